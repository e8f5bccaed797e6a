//! No circle of imports between the files of a crate: a file can be read after the files that it uses.
//!
//! Imports are read from the tokens of each file: `use` and paths such as `channels::add`, followed through re-exports to
//! the file that defines the name. `mod child;` alone is not an import, nor is a re-export that the file itself does not use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::support::{repository, tracked};

/// Circles that are known and not yet broken, each by one of its files. The list may only shrink.
const KNOWN: &[&str] = &[
    "functions/handlers/src/stages/notify/mod.rs",
    "functions/handlers/src/texts/mod.rs",
    "simulation/src/dead_letters.rs",
];

/// The path of a name, e.g. `crate::iam::Policy`.
type Name = Vec<String>;

/// What one file says of others.
#[derive(Default)]
struct Source {
    path: PathBuf,
    /// Files of `mod name;`.
    children: Vec<String>,
    /// What `use` brings in: the name here, the path, and whether it is passed on by `pub`.
    uses: Vec<(String, Name, bool)>,
    /// `use path::*`.
    globs: Vec<Name>,
    /// Paths outside `use`, with the names of the inline modules that they stand in.
    paths: Vec<Name>,
    /// Every identifier outside `use`.
    words: BTreeSet<String>,
    /// What the file defines.
    definitions: BTreeSet<String>,
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(repository().join(path)).unwrap();
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut source = Self { path: path.to_owned(), ..Self::default() };
        source.scan(tokens, 0);
        source
    }

    /// `depth` is the number of inline modules around the tokens: each `super` in them climbs one of these first.
    fn scan(&mut self, tokens: TokenStream, depth: usize) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        let mut public = false;
        while at < tokens.len() {
            if is_test_only(&tokens[at..]) {
                at += end_of_item(&tokens[at..]);
                continue;
            }
            let word = word(&tokens, at);
            match word.as_deref() {
                Some("use") => {
                    let end = (at..tokens.len()).find(|it| is(&tokens, *it, ';')).unwrap_or(tokens.len());
                    self.import(&tokens[at + 1..end], &mut Vec::new(), public, depth);
                    at = end;
                }
                Some("mod") if is(&tokens, at + 2, ';') => {
                    self.children.extend(self::word(&tokens, at + 1));
                    at += 2;
                }
                Some("mod") => {
                    if let Some(TokenTree::Group(body)) = tokens.get(at + 2) {
                        self.scan(body.stream(), depth + 1);
                    }
                    at += 2;
                }
                Some(first) => {
                    if ["fn", "struct", "enum", "trait", "type", "const", "static", "union"].contains(&first) {
                        self.definitions.extend(self::word(&tokens, at + 1));
                    }
                    self.words.insert(first.to_owned());
                    let mut path = vec![first.to_owned()];
                    while is(&tokens, at + 1, ':') && is(&tokens, at + 2, ':') {
                        let Some(next) = self::word(&tokens, at + 3) else { break };
                        self.words.insert(next.clone());
                        path.push(next);
                        at += 3;
                    }
                    // `pub(crate) use`: the group stands between.
                    public = first == "pub" || (public && first == "crate");
                    if path.len() > 1 {
                        self.paths.extend(without_inline(path, depth));
                    }
                    at += 1;
                    if first == "pub" && matches!(tokens.get(at), Some(TokenTree::Group(_))) {
                        at += 1;
                    }
                    continue;
                }
                None => {
                    if let TokenTree::Group(group) = &tokens[at] {
                        self.scan(group.stream(), depth);
                    }
                }
            }
            public = false;
            at += 1;
        }
    }

    /// One tree of a `use`.
    fn import(&mut self, tokens: &[TokenTree], prefix: &mut Name, public: bool, depth: usize) {
        for tree in tokens.split(|token| matches!(token, TokenTree::Punct(it) if it.as_char() == ',')) {
            let mut path = prefix.clone();
            let mut alias = None;
            let mut at = 0;
            while at < tree.len() {
                match &tree[at] {
                    TokenTree::Ident(it) if *it == "as" => {
                        alias = word(tree, at + 1);
                        at += 1;
                    }
                    TokenTree::Ident(it) => path.push(it.to_string()),
                    TokenTree::Group(it) => {
                        let inner: Vec<_> = it.stream().into_iter().collect();
                        self.import(&inner, &mut path, public, depth);
                        path.clear();
                    }
                    TokenTree::Punct(it) if it.as_char() == '*' => {
                        self.globs.extend(without_inline(std::mem::take(&mut path), depth));
                    }
                    _ => {}
                }
                at += 1;
            }
            if path.last().is_some_and(|it| it == "self") && path.len() > 1 {
                path.pop();
            }
            if let Some(path) = without_inline(path, depth)
                && let Some(name) = alias.or_else(|| path.last().cloned())
            {
                self.uses.push((name, path, public));
            }
        }
    }
}

/// The path as the file's own module would write it; nothing where it does not leave an inline module.
fn without_inline(mut path: Name, depth: usize) -> Option<Name> {
    let supers = path.iter().take_while(|it| *it == "super").count();
    if supers > 0 && depth > 0 {
        path.drain(..supers.min(depth));
        if supers <= depth {
            path.insert(0, "self".to_owned());
        }
    }
    (!path.is_empty()).then_some(path)
}

fn word(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    }
}

fn is(tokens: &[TokenTree], at: usize, punctuation: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(it)) if it.as_char() == punctuation)
}

/// Whether `#[cfg(test)]` stands here.
fn is_test_only(tokens: &[TokenTree]) -> bool {
    is(tokens, 0, '#')
        && matches!(tokens.get(1), Some(TokenTree::Group(it)) if it.to_string().replace(' ', "") == "[cfg(test)]")
}

/// How many tokens an item with its attributes takes: up to its body or its semicolon.
fn end_of_item(tokens: &[TokenTree]) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Punct(it) => it.as_char() == ';',
        TokenTree::Group(it) => it.delimiter() == Delimiter::Brace,
        _ => false,
    };
    tokens.iter().position(ends).map_or(tokens.len(), |at| at + 1)
}

/// The modules of one library or program: the path of each in it, and its file.
struct Tree {
    modules: BTreeMap<Name, Source>,
}

impl Tree {
    fn from(root: &Path, sources: &BTreeSet<PathBuf>) -> Self {
        let mut tree = Self { modules: BTreeMap::new() };
        tree.read(root, Vec::new(), sources);
        tree
    }

    fn read(&mut self, path: &Path, module: Name, sources: &BTreeSet<PathBuf>) {
        let source = Source::read(path);
        for child in &source.children {
            let folder = path.parent().unwrap();
            let below = folder.join(path.file_stem().unwrap());
            let places = [below.join(child), folder.join(child)];
            let forms = places.iter().flat_map(|place| [place.with_extension("rs"), place.join("mod.rs")]);
            if let Some(file) = forms.into_iter().find(|file| sources.contains(file)) {
                self.read(&file, [module.clone(), vec![child.clone()]].concat(), sources);
            }
        }
        self.modules.insert(module, source);
    }

    /// The module that defines what a path of `module` names. A path to a module itself defines nothing.
    fn defining(&self, module: &Name, path: &Name, steps: usize) -> Option<Name> {
        if steps == 0 {
            return None;
        }
        let (mut here, rest) = self.start(module, path, steps)?;
        let mut rest = rest.iter();
        for name in rest.by_ref() {
            let below = [here.clone(), vec![name.clone()]].concat();
            if self.modules.contains_key(&below) {
                here = below;
                continue;
            }
            let source = self.modules.get(&here)?;
            if let Some((_, path, _)) = source.uses.iter().find(|(known, _, _)| known == name)
                && let Some(found) = self.defining(&here, path, steps - 1)
            {
                return Some(found);
            }
            if !source.definitions.contains(name) {
                let from = |glob: &Name| {
                    let module = self.module(&here, glob, steps - 1)?;
                    self.modules[&module].definitions.contains(name).then_some(module)
                };
                if let Some(found) = source.globs.iter().find_map(from) {
                    return Some(found);
                }
            }
            return Some(here);
        }
        None
    }

    /// The module that a path of `module` is.
    fn module(&self, module: &Name, path: &Name, steps: usize) -> Option<Name> {
        let (mut here, rest) = self.start(module, path, steps)?;
        here.extend_from_slice(&rest);
        self.modules.contains_key(&here).then_some(here)
    }

    /// Where a path begins, and what is left of it; nothing where it begins in another crate.
    fn start(&self, module: &Name, path: &Name, steps: usize) -> Option<(Name, Name)> {
        let mut here = module.clone();
        let (first, rest) = path.split_first()?;
        if first == "crate" {
            return Some((Vec::new(), rest.to_vec()));
        }
        if first == "self" {
            return Some((here, rest.to_vec()));
        }
        if first == "super" {
            let supers = path.iter().take_while(|it| *it == "super").count();
            here.truncate(here.len().checked_sub(supers)?);
            return Some((here, path[supers..].to_vec()));
        }
        here.push(first.clone());
        if self.modules.contains_key(&here) {
            return Some((here, rest.to_vec()));
        }
        let source = self.modules.get(module)?;
        let (_, imported, _) = source.uses.iter().find(|(name, path, _)| name == first && *path != [first.clone()])?;
        let imported = self.module(module, imported, steps.checked_sub(1)?)?;
        Some((imported, rest.to_vec()))
    }

    /// From each file to those that it takes names from, with the names.
    fn imports(&self) -> BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>> {
        const STEPS: usize = 8;
        let mut imports = BTreeMap::new();
        for (module, source) in &self.modules {
            let mut add = |from: Option<Name>, name: &str| {
                if let Some(from) = from.filter(|from| from != module) {
                    let of: &mut BTreeMap<_, BTreeSet<String>> = imports.entry(source.path.clone()).or_default();
                    of.entry(self.modules[&from].path.clone()).or_default().insert(name.to_owned());
                }
            };
            for (name, path, public) in &source.uses {
                if !public || source.words.contains(name) {
                    add(self.defining(module, path, STEPS), name);
                }
            }
            for path in &source.paths {
                add(self.defining(module, path, STEPS), path.last().unwrap());
            }
            for glob in &source.globs {
                let Some(from) = self.module(module, glob, STEPS) else { continue };
                if let Some(name) = self.modules[&from].definitions.intersection(&source.words).next() {
                    add(Some(from), name);
                }
            }
        }
        imports
    }
}

/// Every circle, as its files and the imports between them.
fn circles(imports: &BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>) -> Vec<(BTreeSet<PathBuf>, String)> {
    let reached = |from: &PathBuf| {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&PathBuf> = imports.get(from).into_iter().flat_map(BTreeMap::keys).collect();
        while let Some(file) = next.pop() {
            if reached.insert(file.clone()) {
                next.extend(imports.get(file).into_iter().flat_map(BTreeMap::keys));
            }
        }
        reached
    };
    let reach: BTreeMap<&PathBuf, BTreeSet<PathBuf>> = imports.keys().map(|file| (file, reached(file))).collect();
    let circle = |(file, to): (&&PathBuf, &BTreeSet<PathBuf>)| -> Option<BTreeSet<PathBuf>> {
        let back = to.iter().filter(|other| reach.get(other).is_some_and(|it| it.contains(*file)));
        Some(back.cloned().collect::<BTreeSet<_>>()).filter(|files| !files.is_empty())
    };
    let found: BTreeSet<_> = reach.iter().filter_map(circle).collect();
    let ties = |files: &BTreeSet<PathBuf>| {
        let mut lines = String::new();
        for (from, to) in files.iter().flat_map(|from| imports[from].iter().map(move |to| (from, to))) {
            if files.contains(to.0) {
                let names: Vec<_> = to.1.iter().map(String::as_str).collect();
                lines += &format!("  {} uses {}: {}\n", from.display(), to.0.display(), names.join(", "));
            }
        }
        lines
    };
    found.into_iter().map(|files| (files.clone(), ties(&files))).collect()
}

/// The first file of each library and program of a crate. Tests are left out: there the first file holds what all share.
fn roots(sources: &BTreeSet<PathBuf>, folder: &Path) -> Vec<PathBuf> {
    let names = ["lib.rs", "main.rs", "bootstrap.rs"].map(|name| folder.join("src").join(name));
    names.into_iter().filter(|path| sources.contains(path)).collect()
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let files = tracked();
    let manifests = files.iter().filter(|path| path.ends_with("Cargo.toml") && path.components().count() > 1);
    let mut unknown = String::new();
    let mut met = BTreeSet::new();
    let mut read = 0;
    for manifest in manifests {
        let folder = manifest.parent().unwrap();
        let sources: BTreeSet<PathBuf> = files
            .iter()
            .filter(|it| it.starts_with(folder) && it.extension().is_some_and(|it| it == "rs"))
            .cloned()
            .collect();
        for root in roots(&sources, folder) {
            let tree = Tree::from(&root, &sources);
            read += tree.modules.len();
            for (files, ties) in circles(&tree.imports()) {
                match KNOWN.iter().find(|known| files.contains(Path::new(known))) {
                    Some(known) => drop(met.insert(*known)),
                    None => unknown += &format!("circle of {} files:\n{ties}", files.len()),
                }
            }
        }
    }
    assert!(read > 250, "only {read} files were read");
    assert!(unknown.is_empty(), "files import each other; move what both need into a file that both use:\n{unknown}");
    let broken: Vec<_> = KNOWN.iter().filter(|known| !met.contains(*known)).collect();
    assert!(broken.is_empty(), "no longer in a circle, remove from KNOWN: {broken:?}");
}

/// The rules of reading, on files that are easy to see through.
#[test]
fn a_circle_is_found_through_re_exports_and_a_declaration_is_none() {
    let source = |text: &str, path: &str| {
        let mut source = Source { path: PathBuf::from(path), ..Source::default() };
        source.scan(text.parse().unwrap(), 0);
        source
    };
    let found = |files: &[(&[&str], &str)]| {
        let module = |(module, text): &(&[&str], &str)| {
            let module: Name = module.iter().map(|it| (*it).to_owned()).collect();
            (module.clone(), source(text, &format!("/{}", module.join("/"))))
        };
        let tree = Tree { modules: files.iter().map(module).collect() };
        circles(&tree.imports()).into_iter().map(|(files, _)| files.len()).collect::<Vec<_>>()
    };
    let declared = "mod a; mod b; pub use a::A;";
    assert_eq!(
        found(&[(&[], declared), (&["a"], "use crate::b::B; pub struct A;"), (&["b"], "pub struct B;")]),
        [0; 0]
    );
    assert_eq!(
        found(&[(&[], declared), (&["a"], "use super::b::B; pub struct A;"), (&["b"], "use crate::A; pub struct B;")]),
        [2]
    );
    assert_eq!(
        found(&[(&[], "mod a; fn f() { a::go() } pub struct S;"), (&["a"], "use super::S; pub fn go() {}")]),
        [2]
    );
    let tested = "use crate::S; pub fn go() {}";
    assert_eq!(
        found(&[
            (&[], "mod a; pub struct S; #[cfg(test)] mod tests { use super::*; fn t() { a::go() } }"),
            (&["a"], tested)
        ]),
        [0; 0]
    );
}
