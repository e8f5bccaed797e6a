//! Rust types from a provider's schema. For a type `aws_sqs_queue` there is a module `sqs_queue` with
//!
//! - `SqsQueue`, a struct with one field for every required argument: one left out does not compile;
//! - `SqsQueueArguments`, which it becomes with the first optional argument, set by a method of the argument's name;
//! - `SqsQueueReference`, with a method for every attribute, which returns a typed expression;
//! - the same pair for every nested block, named after its path: `DestinationConfigOnFailure`.
//!
//! The fields are generic over what converts into the argument's type, so that literals, references and templates are
//! written as they are, without `.into()`.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use serde_json::{Map, Value};

/// The bindings of everything in a trimmed schema.
///
/// # Errors
///
/// A description of what in the schema is not as expected.
pub fn generate(schema: &Value) -> Result<TokenStream, String> {
    let resources = types(schema, "resource_schemas", false)?;
    let data = types(schema, "data_source_schemas", true)?;
    let provider = provider(schema)?;
    Ok(quote! {
        #resources
        /// Data sources: what Terraform looks up instead of managing it.
        pub mod data {
            #data
        }
        #provider
    })
}

fn types(schema: &Value, section: &str, is_data: bool) -> Result<TokenStream, String> {
    let types = schema[section].as_object().ok_or_else(|| format!("`{section}` is not an object"))?;
    let modules = types
        .iter()
        .map(|(name, schema)| resource(name, block_of(name, schema)?, is_data))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(quote! { #(#modules)* })
}

fn provider(schema: &Value) -> Result<TokenStream, String> {
    let block = block_of("provider", &schema["provider"])?;
    let blocks = with_nested(&Block::new("Provider".to_owned(), block)?, &[])?;
    Ok(quote! {
        /// The provider's own configuration.
        pub mod provider {
            #blocks

            impl crate::terraform::Block<ProviderArguments> for ProviderArguments {
                fn into_body(self) -> crate::terraform::Body {
                    self.body
                }
            }
        }
    })
}

fn block_of<'s>(name: &str, schema: &'s Value) -> Result<&'s Map<String, Value>, String> {
    schema["block"].as_object().ok_or_else(|| format!("`{name}` has no block"))
}

/// One resource type or data source: a module with its arguments, its reference and its nested blocks.
fn resource(terraform_type: &str, schema: &Map<String, Value>, is_data: bool) -> Result<TokenStream, String> {
    let (_, short_name) = terraform_type.split_once('_').ok_or_else(|| format!("`{terraform_type}` has no prefix"))?;
    let block = Block::new(camel_case(short_name), schema)?;
    let module = identifier(short_name);
    let literal = identifier(&block.name);
    let arguments = format_ident!("{}Arguments", block.name);
    let reference = format_ident!("{}Reference", block.name);
    let structs = with_nested(&block, &[])?;
    let (generics, bounds) = block.generics();

    let accessors = block.attributes.iter().map(|attribute| {
        let (method, name, kind) = (identifier(&attribute.name), &attribute.name, &attribute.kind);
        let documentation = format!("The attribute `{name}`.");
        quote! {
            #[doc = #documentation]
            #[must_use]
            pub fn #method(&self) -> crate::terraform::Expression<#kind> {
                self.address.attribute(#name)
            }
        }
    });
    let resource_impl = |on: TokenStream| {
        quote! {
            type Reference = #reference;
            const TYPE: &'static str = #terraform_type;
            const IS_DATA: bool = #is_data;

            fn into_body(self) -> crate::terraform::Body {
                #on
            }
        }
    };
    let (of_literal, of_arguments) =
        (resource_impl(quote! { self.into_arguments().body }), resource_impl(quote! { self.body }));
    let module_documentation = format!("`{terraform_type}`");
    let reference_documentation = format!("A reference to an `{terraform_type}`.");

    Ok(quote! {
        #[doc = #module_documentation]
        pub mod #module {
            #structs

            impl<#bounds> crate::terraform::Resource for #literal<#generics> {
                #of_literal
            }

            impl crate::terraform::Resource for #arguments {
                #of_arguments
            }

            #[doc = #reference_documentation]
            #[derive(Debug, Clone)]
            pub struct #reference {
                address: crate::terraform::Address,
            }

            impl #reference {
                #(#accessors)*
            }

            impl crate::terraform::Reference for #reference {
                fn at(address: crate::terraform::Address) -> Self {
                    Self { address }
                }

                fn address(&self) -> &crate::terraform::Address {
                    &self.address
                }
            }
        }
        pub use #module::#literal;
    })
}

/// A block and, after it, the blocks within it. `path` leads to it: none for a resource's own block.
fn with_nested(block: &Block, path: &[String]) -> Result<TokenStream, String> {
    let own = block.structs(!path.is_empty());
    let nested = block
        .blocks
        .iter()
        .map(|nested| {
            let path = [path, std::slice::from_ref(&nested.name)].concat();
            let name = path.iter().map(|name| camel_case(name)).collect::<String>();
            with_nested(&Block::at(name, nested.schema, path.clone())?, &path)
        })
        .collect::<Result<Vec<_>, String>>()?;
    Ok(quote! { #own #(#nested)* })
}

/// A block of the schema, read.
struct Block<'s> {
    name: String,
    path: Vec<String>,
    attributes: Vec<Attribute>,
    blocks: Vec<NestedBlock<'s>>,
}

struct Attribute {
    name: String,
    kind: TokenStream,
    required: bool,
    /// It can be given, not only read.
    settable: bool,
    deprecated: bool,
}

struct NestedBlock<'s> {
    name: String,
    required: bool,
    schema: &'s Map<String, Value>,
}

impl<'s> Block<'s> {
    fn new(name: String, schema: &'s Map<String, Value>) -> Result<Self, String> {
        Self::at(name, schema, Vec::new())
    }

    fn at(name: String, schema: &'s Map<String, Value>, path: Vec<String>) -> Result<Self, String> {
        let flag = |schema: &Value, key: &str| schema[key].as_bool().unwrap_or(false);
        let attributes = entries(schema, "attributes")
            .map(|(name, attribute)| Attribute {
                name: name.clone(),
                kind: kind(&attribute["type"]),
                required: flag(attribute, "required"),
                settable: flag(attribute, "required") || flag(attribute, "optional"),
                deprecated: flag(attribute, "deprecated"),
            })
            .collect();
        let blocks = entries(schema, "block_types")
            .map(|(name, nested)| {
                Ok(NestedBlock {
                    name: name.clone(),
                    required: nested["min_items"].as_u64().unwrap_or(0) > 0,
                    schema: block_of(name, nested)?,
                })
            })
            .collect::<Result<Vec<_>, String>>()?;
        Ok(Self { name, path, attributes, blocks })
    }

    /// The name of the type of a nested block's arguments.
    fn block_type(&self, nested: &NestedBlock<'_>) -> Ident {
        let path = self.path.iter().chain([&nested.name]).map(|name| camel_case(name)).collect::<String>();
        format_ident!("{path}Arguments")
    }

    /// Every required argument and block: its name, and what its value has to convert into.
    fn required(&self) -> Vec<(&str, TokenStream)> {
        let attributes = self.attributes.iter().filter(|attribute| attribute.required).map(|attribute| {
            let kind = &attribute.kind;
            (attribute.name.as_str(), quote! { crate::terraform::Value<#kind> })
        });
        let blocks = self.blocks.iter().filter(|nested| nested.required).map(|nested| {
            let block = self.block_type(nested);
            (nested.name.as_str(), quote! { crate::terraform::Blocks<#block> })
        });
        attributes.chain(blocks).collect()
    }

    /// The parameters of the struct of required arguments, without and with their bounds.
    fn generics(&self) -> (TokenStream, TokenStream) {
        let required = self.required();
        let names: Vec<_> = (0..required.len()).map(|index| format_ident!("T{index}")).collect();
        let targets = required.iter().map(|(_, target)| target);
        (quote! { #(#names),* }, quote! { #(#names: ::core::convert::Into<#targets>),* })
    }

    /// The struct of required arguments and the one with all of them.
    fn structs(&self, is_nested: bool) -> TokenStream {
        let literal = identifier(&self.name);
        let arguments = format_ident!("{}Arguments", self.name);
        let required = self.required();
        let (generics, bounds) = self.generics();
        let parameters: Vec<_> = (0..required.len()).map(|index| format_ident!("T{index}")).collect();
        let names: Vec<_> = required.iter().map(|(name, _)| *name).collect();
        let fields: Vec<_> = names.iter().map(|name| identifier(name)).collect();
        let field_documentation = names.iter().map(|name| format!("`{name}`, required."));
        let required_blocks: BTreeSet<&str> =
            self.blocks.iter().filter(|nested| nested.required).map(|nested| nested.name.as_str()).collect();
        let set_required = names.iter().zip(&fields).map(|(name, field)| {
            if required_blocks.contains(name) {
                quote! { body.set_blocks(#name, ::core::convert::Into::into(self.#field)); }
            } else {
                quote! { body.set(#name, ::core::convert::Into::into(self.#field)); }
            }
        });
        let body = if required.is_empty() {
            quote! { let body }
        } else {
            quote! { let mut body }
        };
        let on_arguments = self.setters(&quote! { let mut arguments = self; });
        let on_literal = self.setters(&quote! { let mut arguments = self.into_arguments(); });
        let literal_documentation = format!("`{}` with its required arguments.", self.described());
        let arguments_documentation = format!("`{}` with its arguments.", self.described());
        let block_impls = is_nested.then(|| {
            quote! {
                impl<#bounds> crate::terraform::Block<#arguments> for #literal<#generics> {
                    fn into_body(self) -> crate::terraform::Body {
                        self.into_arguments().body
                    }
                }

                impl<#bounds> ::core::convert::From<#literal<#generics>> for crate::terraform::Blocks<#arguments> {
                    fn from(block: #literal<#generics>) -> Self {
                        crate::terraform::Blocks::of_bodies(::std::vec![block.into_arguments().body])
                    }
                }

                impl crate::terraform::Block<#arguments> for #arguments {
                    fn into_body(self) -> crate::terraform::Body {
                        self.body
                    }
                }

                impl ::core::convert::From<#arguments> for crate::terraform::Blocks<#arguments> {
                    fn from(block: #arguments) -> Self {
                        crate::terraform::Blocks::of_bodies(::std::vec![block.body])
                    }
                }
            }
        });
        quote! {
            #[doc = #literal_documentation]
            #[derive(Debug, Clone)]
            pub struct #literal<#generics> {
                #(#[doc = #field_documentation] pub #fields: #parameters,)*
            }

            #[doc = #arguments_documentation]
            #[derive(Debug, Clone)]
            pub struct #arguments {
                pub(crate) body: crate::terraform::Body,
            }

            impl<#bounds> #literal<#generics> {
                pub(crate) fn into_arguments(self) -> #arguments {
                    #body = crate::terraform::Body::default();
                    #(#set_required)*
                    #arguments { body }
                }

                #on_literal
            }

            impl #arguments {
                #on_arguments
            }

            #block_impls
        }
    }

    fn described(&self) -> String {
        if self.path.is_empty() { self.name.clone() } else { self.path.join(".") }
    }

    /// A method for every optional argument and block.
    fn setters(&self, take: &TokenStream) -> TokenStream {
        let arguments = format_ident!("{}Arguments", self.name);
        let attributes = self.attributes.iter().filter(|attribute| attribute.settable && !attribute.required);
        let attributes = attributes.map(|attribute| {
            let (method, name, kind) = (identifier(&attribute.name), &attribute.name, &attribute.kind);
            let documentation = format!("Sets `{name}`.");
            let deprecated = attribute.deprecated.then(|| quote! { #[deprecated] });
            quote! {
                #[doc = #documentation]
                #[must_use]
                #deprecated
                pub fn #method(self, value: impl ::core::convert::Into<crate::terraform::Value<#kind>>) -> #arguments {
                    #take
                    arguments.body.set(#name, ::core::convert::Into::into(value));
                    arguments
                }
            }
        });
        let blocks = self.blocks.iter().filter(|nested| !nested.required).map(|nested| {
            let (method, name, block) = (identifier(&nested.name), &nested.name, self.block_type(nested));
            let documentation = format!("Sets the `{name}` blocks.");
            quote! {
                #[doc = #documentation]
                #[must_use]
                pub fn #method(self, blocks: impl ::core::convert::Into<crate::terraform::Blocks<#block>>) -> #arguments {
                    #take
                    arguments.body.set_blocks(#name, ::core::convert::Into::into(blocks));
                    arguments
                }
            }
        });
        quote! { #(#attributes)* #(#blocks)* }
    }
}

fn entries<'s>(schema: &'s Map<String, Value>, key: &str) -> impl Iterator<Item = (&'s String, &'s Value)> {
    schema.get(key).and_then(Value::as_object).into_iter().flatten()
}

/// The marker of a schema's type.
fn kind(schema: &Value) -> TokenStream {
    let of_element = |element: Option<&Value>| element.map_or_else(|| quote! { crate::terraform::kind::Any }, kind);
    match schema {
        Value::String(name) => match name.as_str() {
            "string" => quote! { crate::terraform::kind::Text },
            "number" => quote! { crate::terraform::kind::Number },
            "bool" => quote! { crate::terraform::kind::Boolean },
            _ => quote! { crate::terraform::kind::Any },
        },
        Value::Array(parts) => {
            let element = of_element(parts.get(1));
            match parts.first().and_then(Value::as_str) {
                Some("list" | "set") => quote! { crate::terraform::kind::List<#element> },
                Some("map") => quote! { crate::terraform::kind::Map<#element> },
                _ => quote! { crate::terraform::kind::Any },
            }
        }
        _ => quote! { crate::terraform::kind::Any },
    }
}

/// `sqs_queue` as `SqsQueue`.
fn camel_case(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut characters = word.chars();
            characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
        })
        .collect()
}

/// A name of the provider as a Rust identifier: a keyword becomes a raw identifier, or, where Rust has none for it, gets
/// an underscore.
fn identifier(name: &str) -> Ident {
    match name {
        "self" | "Self" | "super" | "crate" | "_" => format_ident!("{name}_"),
        _ => syn::parse_str::<Ident>(name).unwrap_or_else(|_| Ident::new_raw(name, Span::call_site())),
    }
}
