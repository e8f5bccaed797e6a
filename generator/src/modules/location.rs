//! Where a module is applied: the account, the region and the partition (`aws`, or another one for governments).

use crate::aws::data;
use crate::template;
use crate::terraform::{Expression, Module, Value, kind::Text};

/// The account, region and partition that a module is applied to.
pub(crate) struct Location {
    pub(crate) account: Expression<Text>,
    pub(crate) region: Expression<Text>,
    pub(crate) partition: Expression<Text>,
}

impl Location {
    /// Looks them up in the module.
    pub(crate) fn of(module: &mut Module) -> Self {
        let account = module.add("current", data::CallerIdentity {}).account_id();
        // `id` is the region's name in provider 5 and 6; `name` is deprecated in 6, `region` missing in 5.
        let region = module.add("current", data::Region {}).id();
        let partition = module.add("current", data::Partition {}).partition();
        Self { account, region, partition }
    }

    /// The ARN of something by its name, where a reference would be a cycle.
    pub(crate) fn arn(&self, service: &str, name: impl Into<Value<Text>>) -> Value<Text> {
        template!["arn:", &self.partition, ":", service, ":", &self.region, ":", &self.account, ":", name.into()]
    }
}
