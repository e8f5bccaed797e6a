//! AWS Signature Version 4, for API Gateway (`execute-api`) and any other service.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

type SignError = Box<dyn std::error::Error + Send + Sync>;

/// Signs requests with one pair of keys, for one region.
#[derive(Debug, Clone)]
pub struct Signer {
    credentials: Credentials,
    region: String,
}

impl Signer {
    /// Signs with a key of the connection.
    pub fn new(access_key_id: &str, secret_access_key: &str, region: &str) -> Self {
        Self::of(Credentials::new(access_key_id, secret_access_key, None, None, "connection"), region)
    }

    /// Signs with credentials of any kind, a role's temporary ones too.
    pub fn of(credentials: Credentials, region: &str) -> Self {
        Self { credentials, region: region.to_owned() }
    }

    /// The headers to add to a request to `service`, which has the headers `signed` and perhaps others.
    pub fn headers(
        &self,
        service: &str,
        method: &str,
        url: &str,
        signed: &[(&str, &str)],
        body: &[u8],
        now: SystemTime,
    ) -> Result<Vec<(String, String)>, SignError> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(now)
            .settings(SigningSettings::default())
            .build()?
            .into();
        let request = SignableRequest::new(method, url, signed.iter().copied(), SignableBody::Bytes(body))?;
        let (instructions, _signature) = sign(request, &parameters)?.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn the_signature_names_key_day_region_and_service() {
        let signer = Signer::new("AKID", "secret", "eu-west-2");
        let now = UNIX_EPOCH + Duration::from_secs(1_764_000_000);
        let headers =
            signer.headers("execute-api", "POST", "http://127.0.0.1:4566/v1/orders", &[], b"{}", now).unwrap();
        let authorization = headers.iter().find(|(name, _)| name == "authorization").unwrap();
        let expected = "AWS4-HMAC-SHA256 Credential=AKID/20251124/eu-west-2/execute-api/aws4_request";
        assert!(authorization.1.starts_with(expected), "{}", authorization.1);
        assert!(headers.iter().any(|(name, value)| name == "x-amz-date" && value == "20251124T160000Z"));
    }

    #[test]
    fn another_body_has_another_signature() {
        let signer = Signer::new("AKID", "secret", "eu-west-2");
        let of = |body: &[u8]| {
            signer.headers("execute-api", "POST", "http://127.0.0.1/orders", &[], body, UNIX_EPOCH).unwrap()
        };
        assert_ne!(of(b"{}"), of(b"[]"));
    }
}
