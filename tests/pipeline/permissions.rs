//! Removes the permissions of a function's role, and restores them.

use local::emulator::Request;

use crate::shop::Shop;

/// A role's policies, which it does not have meanwhile.
#[must_use = "the role may do nothing until they are restored"]
pub struct Permissions {
    role: String,
    policies: Vec<Policy>,
}

struct Policy {
    name: String,
    /// As IAM answered it: URL-encoded.
    document: String,
}

impl Permissions {
    /// Takes every policy of a role away.
    pub async fn take_from(shop: &Shop, role: &str) -> Self {
        let mut policies = Vec::new();
        for name in all_between(&iam(shop, "ListRolePolicies", &format!("RoleName={role}")).await, "member") {
            let policy = format!("RoleName={role}&PolicyName={name}");
            let document = all_between(&iam(shop, "GetRolePolicy", &policy).await, "PolicyDocument").remove(0);
            iam(shop, "DeleteRolePolicy", &policy).await;
            policies.push(Policy { name, document });
        }
        assert!(!policies.is_empty(), "{role} has no policy");
        Self { role: role.to_owned(), policies }
    }

    /// The documents go back as they came.
    pub async fn restore(self, shop: &Shop) {
        for Policy { name, document } in self.policies {
            let policy = format!("RoleName={}&PolicyName={name}&PolicyDocument={document}", self.role);
            iam(shop, "PutRolePolicy", &policy).await;
        }
    }
}

async fn iam(shop: &Shop, action: &str, parameters: &str) -> String {
    shop.aws("iam", Request::Query(&format!("Action={action}&Version=2010-05-08&{parameters}"))).await
}

/// The texts of every element of this name.
fn all_between(xml: &str, element: &str) -> Vec<String> {
    let (start, end) = (format!("<{element}>"), format!("</{element}>"));
    let texts = xml.split(&start).skip(1).filter_map(|after| after.split_once(&end));
    texts.map(|(text, _)| text.to_owned()).collect()
}
