//! A Terraform module as a document: what is declared in it, and how it is written.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as JsonValue, json};

use super::kind::Boolean;
use super::resource::{Address, Body, Conditional, Reference, Resource};
use super::term::Term;
use super::value::{Expression, Kind, Value};
use super::variable::{Input, Output, OutputDescription, Variable, VariableDescription};
use crate::RenderedFile;

/// The oldest Terraform: the first whose S3 backend locks the state by a file, without a table.
pub const REQUIRED_TERRAFORM: &str = ">= 1.11";
/// The providers that the modules work with; both ends are checked against their schemas.
pub const REQUIRED_PROVIDER: &str = ">= 5.100.0, < 7.0.0";

/// A mistake in a module's Rust code that only shows once the module is put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModuleError {
    /// Two declarations share a name.
    #[error(
        "module `{module}` declares {what} `{name}` twice; give one of them another name, and write a `moved` block if \
         it was ever applied"
    )]
    Duplicate {
        /// The module.
        module: String,
        /// What is declared twice, e.g. `resource`.
        what: &'static str,
        /// The name that is used twice.
        name: String,
    },
    /// A module call leaves a variable out that has no default.
    #[error("the call of module `{called}` in `{module}` gives no value for `{variable}`; add it to the call's inputs")]
    MissingInput {
        /// The calling module.
        module: String,
        /// The called module.
        called: String,
        /// The variable.
        variable: String,
    },
    /// A module call gives a variable that the module does not declare.
    #[error(
        "the call of module `{called}` in `{module}` gives `{variable}`, which the module does not declare; remove it"
    )]
    UnknownInput {
        /// The calling module.
        module: String,
        /// The called module.
        called: String,
        /// The variable.
        variable: String,
    },
}

/// A resource as it stands in a module's document.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// The provider's name of the type, e.g. `aws_sqs_queue`.
    pub type_name: String,
    /// The logical name.
    pub name: String,
    /// A data source instead of a managed resource.
    pub is_data: bool,
    /// Its arguments and meta-arguments in Terraform's JSON syntax.
    pub body: Map<String, JsonValue>,
}

/// A Terraform module. Mistakes in it (a name used twice) are collected and reported by [`Module::files`].
#[derive(Debug, Clone)]
pub struct Module {
    name: String,
    folder: PathBuf,
    summary: String,
    variables: BTreeMap<String, VariableDescription>,
    data: BTreeMap<&'static str, BTreeMap<String, Map<String, JsonValue>>>,
    resources: BTreeMap<&'static str, BTreeMap<String, Map<String, JsonValue>>>,
    calls: BTreeMap<String, Map<String, JsonValue>>,
    outputs: BTreeMap<String, OutputDescription>,
    moved: Vec<(String, String)>,
    providers: Map<String, JsonValue>,
    backend: Option<(&'static str, Map<String, JsonValue>)>,
    mistakes: Vec<ModuleError>,
}

impl Module {
    /// An empty module under `modules/<name>`.
    #[must_use]
    pub fn new(name: &str, summary: &str) -> Self {
        Self::in_folder(name, Path::new("modules").join(name), summary)
    }

    /// An empty module in another folder, e.g. an environment's root module.
    #[must_use]
    pub fn in_folder(name: &str, folder: PathBuf, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            folder,
            summary: summary.to_owned(),
            variables: BTreeMap::new(),
            data: BTreeMap::new(),
            resources: BTreeMap::new(),
            calls: BTreeMap::new(),
            outputs: BTreeMap::new(),
            moved: Vec::new(),
            providers: Map::new(),
            backend: None,
            mistakes: Vec::new(),
        }
    }

    /// The module's name, e.g. `queues`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the module is for, in one sentence.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Where its files go, from the repository's root.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its variables, by name.
    pub fn variables(&self) -> impl Iterator<Item = &VariableDescription> {
        self.variables.values()
    }

    /// Its outputs, by name.
    pub fn outputs(&self) -> impl Iterator<Item = &OutputDescription> {
        self.outputs.values()
    }

    /// Its resources and data sources, by type and name.
    #[must_use]
    pub fn resources(&self) -> Vec<Declared> {
        let of = |kinds: &BTreeMap<&'static str, BTreeMap<String, Map<String, JsonValue>>>, is_data| {
            kinds
                .iter()
                .flat_map(|(type_name, named)| {
                    named.iter().map(move |(name, body)| (*type_name, name.clone(), body.clone()))
                })
                .map(|(type_name, name, body)| Declared { type_name: type_name.to_owned(), name, is_data, body })
                .collect::<Vec<_>>()
        };
        [of(&self.data, true), of(&self.resources, false)].concat()
    }

    /// Declares a variable and returns the reference to it.
    pub fn variable<T: Kind>(&mut self, variable: &Variable<T>) -> Expression<T> {
        let description = variable.description().clone();
        if self.variables.insert(description.name.clone(), description).is_some() {
            self.duplicate("variable", variable.name());
        }
        variable.value()
    }

    /// Adds a resource under a logical name. The name identifies it in Terraform's state: to rename it, say so with
    /// [`Module::moved`].
    pub fn add<R: Resource>(&mut self, name: &str, resource: R) -> R::Reference {
        R::Reference::at(self.declare(name, resource, None))
    }

    /// Adds a resource that is there only while the condition holds.
    pub fn add_when<R: Resource>(
        &mut self,
        condition: &Expression<Boolean>,
        name: &str,
        resource: R,
    ) -> Conditional<R::Reference> {
        Conditional::new(self.declare(name, resource, Some(condition)))
    }

    fn declare<R: Resource>(&mut self, name: &str, resource: R, condition: Option<&Expression<Boolean>>) -> Address {
        let address = Address::new(R::IS_DATA, R::TYPE, name);
        let meta = resource.meta();
        let mut body = resource.into_body().to_json();
        if let Some(condition) = condition {
            body.insert("count".to_owned(), format!("${{{condition} ? 1 : 0}}").into());
        }
        if meta.create_before_destroy {
            body.insert("lifecycle".to_owned(), json!({ "create_before_destroy": true }));
        }
        if !meta.depends_on.is_empty() {
            body.insert("depends_on".to_owned(), meta.depends_on.iter().map(Address::as_str).collect());
        }
        let kinds = if R::IS_DATA { &mut self.data } else { &mut self.resources };
        if kinds.entry(R::TYPE).or_default().insert(name.to_owned(), body).is_some() {
            self.duplicate("resource", address.as_str());
        }
        address
    }

    /// Declares an output.
    pub fn output<T>(&mut self, name: &str, description: &str, value: impl Into<Value<T>>) -> Output<T> {
        let declared = OutputDescription {
            name: name.to_owned(),
            description: description.to_owned(),
            value: value.into().into_term(),
        };
        if self.outputs.insert(name.to_owned(), declared).is_some() {
            self.duplicate("output", name);
        }
        Output { name: name.to_owned(), marker: PhantomData }
    }

    /// Says that a resource had another address before, so that renaming it does not destroy it.
    pub fn moved(&mut self, from: &str, to: &impl Reference) {
        self.moved.push((from.to_owned(), to.address().as_str().to_owned()));
    }

    /// Calls another module that lies beside this one's parent folder, under the called module's own name.
    pub fn call(&mut self, called: &Module, inputs: Vec<Input>) -> ModuleCall {
        let mut body = Map::new();
        body.insert("source".to_owned(), format!("../../{}", called.folder.display()).into());
        for input in &inputs {
            if !called.variables.contains_key(&input.name) {
                self.mistakes.push(ModuleError::UnknownInput {
                    module: self.name.clone(),
                    called: called.name.clone(),
                    variable: input.name.clone(),
                });
            }
            body.insert(input.name.clone(), input.value.to_json());
        }
        for variable in called.variables.values() {
            if variable.default.is_none() && !body.contains_key(&variable.name) {
                self.mistakes.push(ModuleError::MissingInput {
                    module: self.name.clone(),
                    called: called.name.clone(),
                    variable: variable.name.clone(),
                });
            }
        }
        if self.calls.insert(called.name.clone(), body).is_some() {
            self.duplicate("module", &called.name);
        }
        ModuleCall { name: called.name.clone() }
    }

    /// Configures a provider, which only a root module does.
    pub fn provider(&mut self, name: &str, configuration: Body) {
        if self.providers.insert(name.to_owned(), configuration.to_json().into()).is_some() {
            self.duplicate("provider", name);
        }
    }

    /// Says where Terraform keeps a root module's state. A backend takes literals only.
    pub fn backend(&mut self, type_name: &'static str, settings: Vec<(&'static str, Literal)>) {
        let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value.0.to_literal_json())).collect();
        self.backend = Some((type_name, settings));
    }

    fn duplicate(&mut self, what: &'static str, name: &str) {
        self.mistakes.push(ModuleError::Duplicate { module: self.name.clone(), what, name: name.to_owned() });
    }

    /// The module's files.
    ///
    /// # Errors
    ///
    /// The first mistake that was made while the module was put together.
    pub fn files(&self) -> Result<Vec<RenderedFile>, ModuleError> {
        if let Some(mistake) = self.mistakes.first() {
            return Err(mistake.clone());
        }
        let mut files = vec![
            self.file("main", self.main()),
            self.file("outputs", self.outputs_document()),
            self.file("variables", self.variables_document()),
            self.file("versions", self.versions()),
        ];
        if !self.providers.is_empty() {
            files.push(self.file("providers", json!({ "provider": self.providers })));
        }
        Ok(files)
    }

    fn main(&self) -> JsonValue {
        let mut document = Map::new();
        if !self.data.is_empty() {
            document.insert("data".to_owned(), json!(self.data));
        }
        if !self.resources.is_empty() {
            document.insert("resource".to_owned(), json!(self.resources));
        }
        if !self.calls.is_empty() {
            document.insert("module".to_owned(), json!(self.calls));
        }
        if !self.moved.is_empty() {
            let moved: Vec<_> = self.moved.iter().map(|(from, to)| json!({ "from": from, "to": to })).collect();
            document.insert("moved".to_owned(), moved.into());
        }
        document.into()
    }

    fn variables_document(&self) -> JsonValue {
        let variable = |variable: &VariableDescription| {
            let mut body = Map::new();
            body.insert("type".to_owned(), variable.value_type.clone().into());
            body.insert("description".to_owned(), variable.description.clone().into());
            if let Some(default) = variable.default() {
                body.insert("default".to_owned(), default);
            }
            body
        };
        let variables: BTreeMap<_, _> = self.variables.values().map(|each| (&each.name, variable(each))).collect();
        if variables.is_empty() { json!({}) } else { json!({ "variable": variables }) }
    }

    fn outputs_document(&self) -> JsonValue {
        let output =
            |output: &OutputDescription| json!({ "description": output.description, "value": output.value.to_json() });
        let outputs: BTreeMap<_, _> = self.outputs.values().map(|each| (&each.name, output(each))).collect();
        if outputs.is_empty() { json!({}) } else { json!({ "output": outputs }) }
    }

    fn versions(&self) -> JsonValue {
        let mut settings = Map::new();
        settings.insert("required_version".to_owned(), REQUIRED_TERRAFORM.into());
        settings.insert(
            "required_providers".to_owned(),
            json!({ "aws": { "source": "hashicorp/aws", "version": REQUIRED_PROVIDER } }),
        );
        if let Some((type_name, backend)) = &self.backend {
            settings.insert("backend".to_owned(), json!({ *type_name: backend }));
        }
        json!({ "terraform": settings })
    }

    fn file(&self, name: &str, document: JsonValue) -> RenderedFile {
        let mut commented = Map::new();
        commented.insert("//".to_owned(), "Written by `cargo run` from generator/src; changes here are lost.".into());
        if let JsonValue::Object(document) = document {
            commented.extend(document);
        }
        RenderedFile {
            path: self.folder.join(format!("{name}.tf.json")),
            // A document of this type cannot fail to be written: its keys are strings.
            content: format!("{:#}\n", JsonValue::Object(commented)),
        }
    }
}

/// A call of a module, from which its outputs are taken.
#[derive(Debug, Clone)]
pub struct ModuleCall {
    name: String,
}

impl ModuleCall {
    /// `module.<name>.<output>`
    #[must_use]
    pub fn output<T>(&self, output: &Output<T>) -> Expression<T> {
        Expression::from_source(format!("module.{}.{}", self.name, output.name))
    }
}

/// A literal setting, for a place where Terraform takes no expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal(Term);

impl From<&str> for Literal {
    fn from(literal: &str) -> Self {
        Self(Term::text(literal))
    }
}

impl From<bool> for Literal {
    fn from(literal: bool) -> Self {
        Self(Term::Boolean(literal))
    }
}
