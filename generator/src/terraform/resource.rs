//! What the generated bindings are made of: the arguments of a resource or block, and references to what was added.

use super::kind::Boolean;
use super::term::Term;
use super::value::{Expression, Value};

/// The arguments of a resource, a data source or a nested block, in the order in which they were given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Body {
    entries: Vec<(&'static str, Entry)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Entry {
    Argument(Term),
    Blocks(Vec<Body>),
    /// One block that is there only while a condition holds, as the condition's source.
    BlockWhen(String, Body),
}

impl Body {
    /// Sets an argument; a second value replaces the first.
    pub(crate) fn set<T>(&mut self, name: &'static str, value: Value<T>) {
        self.replace(name, Entry::Argument(value.into_term()));
    }

    /// Sets the nested blocks of one name.
    pub(crate) fn set_blocks<B>(&mut self, name: &'static str, blocks: Blocks<B>) {
        self.replace(name, blocks.entry);
    }

    fn replace(&mut self, name: &'static str, entry: Entry) {
        match self.entries.iter_mut().find(|(existing, _)| *existing == name) {
            Some((_, existing)) => *existing = entry,
            None => self.entries.push((name, entry)),
        }
    }

    /// The arguments in Terraform's JSON syntax.
    pub(crate) fn to_json(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut json = serde_json::Map::new();
        let mut dynamic = serde_json::Map::new();
        for (name, entry) in &self.entries {
            match entry {
                Entry::Argument(term) => {
                    json.insert((*name).to_owned(), term.to_json());
                }
                Entry::Blocks(blocks) => {
                    json.insert((*name).to_owned(), blocks.iter().map(|block| block.to_json()).collect());
                }
                Entry::BlockWhen(condition, block) => {
                    let block = serde_json::json!({
                        "for_each": format!("${{{condition} ? [true] : []}}"),
                        "content": block.to_json(),
                    });
                    dynamic.insert((*name).to_owned(), serde_json::json!([block]));
                }
            }
        }
        if !dynamic.is_empty() {
            json.insert("dynamic".to_owned(), dynamic.into());
        }
        json
    }
}

/// The nested blocks of one name: one, several, or one while a condition holds ([`block_when`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Blocks<B> {
    entry: Entry,
    marker: std::marker::PhantomData<B>,
}

impl<B> Blocks<B> {
    fn new(entry: Entry) -> Self {
        Self { entry, marker: std::marker::PhantomData }
    }

    pub(crate) fn of_bodies(bodies: Vec<Body>) -> Self {
        Self::new(Entry::Blocks(bodies))
    }
}

/// A block with all that its type needs, which the bindings generate for every nested block.
pub trait Block<B> {
    /// The block's arguments.
    fn into_body(self) -> Body;
}

/// The block is there while the condition holds.
pub fn block_when<B, L: Block<B>>(condition: &Expression<Boolean>, block: L) -> Blocks<B> {
    Blocks::new(Entry::BlockWhen(condition.to_string(), block.into_body()))
}

impl<B, L: Block<B>> From<Vec<L>> for Blocks<B> {
    fn from(blocks: Vec<L>) -> Self {
        Self::of_bodies(blocks.into_iter().map(Block::into_body).collect())
    }
}

impl<B, L: Block<B>, const N: usize> From<[L; N]> for Blocks<B> {
    fn from(blocks: [L; N]) -> Self {
        Vec::from(blocks).into()
    }
}

/// A resource or data source with all that its type needs, which the bindings generate for every type.
pub trait Resource: Sized {
    /// What the rest of the module refers to it by.
    type Reference: Reference;
    /// The provider's name of the type, e.g. `aws_sqs_queue`.
    const TYPE: &'static str;
    /// A data source instead of a managed resource.
    const IS_DATA: bool;

    /// Its arguments.
    fn into_body(self) -> Body;

    /// How Terraform treats it, beside its arguments.
    fn meta(&self) -> Meta {
        Meta::default()
    }

    /// Created after these and destroyed before them, where no argument refers to them.
    fn depends_on(self, others: &[&dyn Dependable]) -> Managed<Self> {
        let mut meta = self.meta();
        meta.depends_on.extend(others.iter().map(|other| other.dependency()));
        Managed { resource: self, meta }
    }

    /// A replacement is created before the old one is destroyed.
    fn create_before_destroy(self) -> Managed<Self> {
        let mut meta = self.meta();
        meta.create_before_destroy = true;
        Managed { resource: self, meta }
    }
}

/// How Terraform treats a resource, beside its arguments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meta {
    pub(crate) depends_on: Vec<Address>,
    pub(crate) create_before_destroy: bool,
}

/// A resource with a [`Meta`] of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Managed<R> {
    resource: R,
    meta: Meta,
}

impl<R: Resource> Resource for Managed<R> {
    type Reference = R::Reference;
    const TYPE: &'static str = R::TYPE;
    const IS_DATA: bool = R::IS_DATA;

    fn into_body(self) -> Body {
        self.resource.into_body()
    }

    fn meta(&self) -> Meta {
        self.meta.clone()
    }
}

/// A resource in the module, from which typed references are taken.
pub trait Reference {
    /// The reference to the resource at this address.
    fn at(address: Address) -> Self;
    /// Where the resource is.
    fn address(&self) -> &Address;
}

/// Where a resource is in its module, e.g. `aws_sqs_queue.payment_queue`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(String);

impl Address {
    pub(crate) fn new(is_data: bool, type_name: &str, name: &str) -> Self {
        Self(if is_data { format!("data.{type_name}.{name}") } else { format!("{type_name}.{name}") })
    }

    /// An attribute of the resource.
    pub(crate) fn attribute<T>(&self, name: &str) -> Expression<T> {
        Expression::from_source(format!("{}.{name}", self.0))
    }

    /// The address as Terraform writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A resource that is there only while a condition holds. Its attributes cannot be referred to as they are, since it may
/// not be there.
#[derive(Debug, Clone)]
pub struct Conditional<R> {
    address: Address,
    reference: std::marker::PhantomData<R>,
}

impl<R: Reference> Conditional<R> {
    pub(crate) fn new(address: Address) -> Self {
        Self { address, reference: std::marker::PhantomData }
    }

    /// The reference for something that is there under the same condition only; elsewhere Terraform would fail.
    #[must_use]
    pub fn under_same_condition(&self) -> R {
        R::at(Address(format!("{}[0]", self.address.0)))
    }
}

impl<R> Dependable for Conditional<R> {
    fn dependency(&self) -> Address {
        self.address.clone()
    }
}

/// What a resource can wait for: an address, or anything that has one.
pub trait Dependable {
    /// What to wait for.
    fn dependency(&self) -> Address;
}

impl Dependable for Address {
    fn dependency(&self) -> Address {
        self.clone()
    }
}

impl<R: Reference> Dependable for R {
    fn dependency(&self) -> Address {
        self.address().clone()
    }
}
