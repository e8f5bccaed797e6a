//! What the parts of the API share.

use crate::aws::api_gateway_rest_api::ApiGatewayRestApiReference;
use crate::terraform::Address;

/// The service that the API's roles are for.
pub(super) const API_GATEWAY: &str = "apigateway.amazonaws.com";

/// The API, and its resources so far.
pub(super) struct Parts {
    pub(super) api: ApiGatewayRestApiReference,
    /// What the deployment is a snapshot of, and therefore has to wait for.
    pub(super) deployed: Vec<Address>,
}
