//! Variables that several modules have, under the same name and with the same meaning.

use crate::terraform::Variable;
use crate::terraform::kind::{Boolean, Number, Text};

/// The variable that every module has.
pub(crate) fn environment_suffix() -> Variable<Text> {
    Variable::new("environment_suffix", "Ends the name of every resource, e.g. `dev`.")
}

/// Whether requests that are not encrypted on their way are refused.
pub(crate) fn require_tls() -> Variable<Boolean> {
    Variable::new(
        "require_tls",
        "Refuse requests that are not encrypted on their way. Only the local emulator, which speaks plain HTTP on the \
         loopback address, needs `false`.",
    )
    .default(true)
}

/// Whether X-Ray is used.
pub(crate) fn xray_enabled() -> Variable<Boolean> {
    Variable::new("xray_enabled", "Trace requests with AWS X-Ray.").default(true)
}

/// How long log groups keep their lines.
pub(crate) fn log_retention_days() -> Variable<Number> {
    Variable::new("log_retention_days", "Days for which the log groups keep their lines.").default(30)
}
