//! The public items of the crates, read from their sources, are those in the lists beside this
//! file: a change of what users can name is seen in the difference. After a wanted change:
//! `UPDATE_DOCS=1 cargo test --workspace --test repository public_items`, and an entry in the
//! changelog.
//!
//! A list has no bodies, no docs and no hidden items. What a macro generates, such as `connect` for
//! signals of every arity, is not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Fields, ImplItem, Item, ItemImpl, Type, UseTree, Visibility};
use system_tests::repository::root;

#[test]
fn the_public_items_are_those_in_the_lists() {
    for name in ["mpcore", "mpqt", "mpmacros"] {
        let found = Sources::read(&root().join(name).join("src")).list();
        let path = root().join(format!("tests/tests/repository/public/{name}.txt"));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &found).expect("the list can be written");
        }
        let listed = fs::read_to_string(&path).unwrap_or_default();
        for (line, (found, listed)) in found.lines().zip(listed.lines()).enumerate() {
            assert_eq!(
                found,
                listed,
                "{name}: the public items differ from line {} of {} on; if that is wanted: \
                 `UPDATE_DOCS=1 cargo test --workspace --test repository public_items`, and the changelog",
                line + 1,
                path.display()
            );
        }
        assert_eq!(
            found.lines().count(),
            listed.lines().count(),
            "{name}: items were added or removed"
        );
    }
}

#[test]
fn a_list_shows_what_users_can_name_and_nothing_else() {
    let text = r#"
        mod inner;
        pub mod open { pub const ANSWER: u32 = 42; const HIDDEN: u32 = 1; }
        pub use inner::Seen as Shown;
        #[doc(hidden)] pub fn secret() {}
        pub fn plain(a: u8) -> u8 { a + 1 }
        pub(crate) fn private() {}
    "#;
    let inner = r#"
        /// Docs.
        #[derive(Clone)] #[non_exhaustive]
        pub struct Seen { pub a: u8, b: u16 }
        pub struct NotSeen;
        impl Seen { pub fn go(&self) { loop {} } fn stay(&self) {} pub fn __generated(&self) {} }
        impl From<u8> for Seen { fn from(a: u8) -> Self { Self { a, b: 0 } } }
    "#;
    let sources = Sources {
        files: [("lib.rs", text), ("inner.rs", inner)]
            .map(|(path, text)| (PathBuf::from(path), syn::parse_file(text).expect("Rust")))
            .into(),
    };
    let list = sources.list();
    for shown in
        ["ANSWER", "Shown", "pub a: u8", "fn go(&self)", "impl From<u8> for Shown", "fn plain"]
    {
        assert!(list.contains(shown), "`{shown}` is missing:\n{list}");
    }
    for hidden in ["HIDDEN", "secret", "private", "NotSeen", "u16", "stay", "loop", "Docs", "__"] {
        assert!(!list.contains(hidden), "`{hidden}` is there:\n{list}");
    }
}

/// The files of a crate, by their paths below `src`.
struct Sources {
    files: BTreeMap<PathBuf, syn::File>,
}

/// Where an item is defined: the path of its module, and its name there.
type Place = (Vec<String>, String);

impl Sources {
    fn read(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).expect("the folder can be read") {
                let path = entry.expect("the folder can be read").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|it| it == "rs") {
                    let text = fs::read_to_string(&path).expect("the file can be read");
                    let inside = path.strip_prefix(folder).expect("it is inside").to_owned();
                    files.insert(inside, syn::parse_file(&text).expect("the sources are Rust"));
                }
            }
        }
        Self { files }
    }

    fn list(&self) -> String {
        let root = &self.files[Path::new("lib.rs")].items;
        let items = self.public(root, &[]);
        prettyplease::unparse(&syn::File {
            shebang: None,
            frontmatter: None,
            attrs: Vec::new(),
            items,
        })
    }

    /// The items of a module, in the order of their names.
    fn module(&self, path: &[String]) -> &[Item] {
        let plain: PathBuf = path.iter().collect::<PathBuf>().with_extension("rs");
        let folder = path.iter().collect::<PathBuf>().join("mod.rs");
        let file = self.files.get(&plain).or_else(|| self.files.get(&folder));
        file.map_or(&[], |file| &file.items)
    }

    /// Returns what users can name of these items, in the order of their names.
    fn public(&self, items: &[Item], path: &[String]) -> Vec<Item> {
        let mut shown: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for item in items {
            let Some((attrs, visibility)) = head(item) else { continue };
            if is_hidden(attrs) || !matches!(visibility, Visibility::Public(_)) {
                continue;
            }
            match item {
                Item::Use(it) => {
                    for (from, name) in leaves(&it.tree) {
                        let found = self.resolved(&from, &name);
                        shown.entry(name).or_default().extend(found);
                    }
                }
                Item::Mod(it) => {
                    let mut inside = path.to_vec();
                    inside.push(it.ident.to_string());
                    let items = match &it.content {
                        Some((_, items)) => items.as_slice(),
                        None => self.module(&inside),
                    };
                    let mut module = it.clone();
                    module.attrs.retain(is_kept);
                    module.content = Some((Default::default(), self.public(items, &inside)));
                    module.semi = None;
                    shown.entry(it.ident.to_string()).or_default().push(Item::Mod(module));
                }
                other => {
                    let name = name_of(other).expect("an item with a visibility has a name");
                    let found = self.with_impls(other, &(path.to_vec(), name.clone()), &name);
                    shown.entry(name).or_default().extend(found);
                }
            }
        }
        shown.into_values().flatten().collect()
    }

    /// The item that a `pub use` names, or the `pub use` itself if it names another crate's.
    fn resolved(&self, from: &[String], name: &str) -> Vec<Item> {
        let from: Vec<_> = from.iter().filter(|it| *it != "crate").cloned().collect();
        let (original, module) = from.split_last().expect("a path has a last part");
        let items = self.module(module);
        let item = items.iter().find(|item| name_of(item).as_ref() == Some(original));
        if item.is_none()
            && let Some(next) = self.passed_on(items, module, original)
        {
            return self.resolved(&next, name);
        }
        match item {
            Some(item) => self.with_impls(item, &(module.to_vec(), original.clone()), name),
            None => {
                let path = from.join("::");
                let text = match original == name {
                    true => format!("pub use {path};"),
                    false => format!("pub use {path} as {name};"),
                };
                vec![syn::parse_str(&text).expect("a use declaration")]
            }
        }
    }

    /// The path under which a module has an item that it only re-exports.
    fn passed_on(&self, items: &[Item], module: &[String], name: &str) -> Option<Vec<String>> {
        let uses = items.iter().filter_map(|item| match item {
            Item::Use(it) => Some(leaves(&it.tree)),
            _ => None,
        });
        let (path, _) = uses.flatten().find(|(_, as_name)| as_name == name)?;
        match path.first().map(String::as_str) {
            Some("crate") => Some(path),
            _ => {
                let below: Vec<_> = module.iter().cloned().chain(path).collect();
                let (_, inside) = below.split_last()?;
                (!self.module(inside).is_empty()).then_some(below)
            }
        }
    }

    /// The item without what is private, followed by what is implemented for it.
    fn with_impls(&self, item: &Item, place: &Place, name: &str) -> Vec<Item> {
        let mut all = vec![item.clone()];
        for (file, syn::File { items, .. }) in &self.files {
            let module = module_of(file);
            let here = module == place.0 || imports(items, place);
            let impls = items.iter().filter_map(|item| match item {
                Item::Impl(it) if here && is_for(it, &place.1) => Some(it.clone()),
                _ => None,
            });
            all.extend(impls.filter_map(public_part).map(Item::Impl));
        }
        let mut clean = Clean { from: place.1.clone(), to: name.to_owned() };
        all.iter_mut().for_each(|item| clean.visit_item_mut(item));
        all
    }
}

/// Returns attributes and visibility of an item that has them.
fn head(item: &Item) -> Option<(&[Attribute], &Visibility)> {
    Some(match item {
        Item::Const(it) => (&it.attrs, &it.vis),
        Item::Enum(it) => (&it.attrs, &it.vis),
        Item::Fn(it) => (&it.attrs, &it.vis),
        Item::Mod(it) => (&it.attrs, &it.vis),
        Item::Static(it) => (&it.attrs, &it.vis),
        Item::Struct(it) => (&it.attrs, &it.vis),
        Item::Trait(it) => (&it.attrs, &it.vis),
        Item::Type(it) => (&it.attrs, &it.vis),
        Item::Use(it) => (&it.attrs, &it.vis),
        _ => return None,
    })
}

fn name_of(item: &Item) -> Option<String> {
    Some(match item {
        Item::Const(it) => it.ident.to_string(),
        Item::Enum(it) => it.ident.to_string(),
        Item::Fn(it) => it.sig.ident.to_string(),
        Item::Static(it) => it.ident.to_string(),
        Item::Struct(it) => it.ident.to_string(),
        Item::Trait(it) => it.ident.to_string(),
        Item::Type(it) => it.ident.to_string(),
        _ => return None,
    })
}

fn is_hidden(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("doc") => list.tokens.to_string() == "hidden",
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            list.tokens.to_string().contains("test")
        }
        _ => false,
    })
}

/// Attributes that users depend on.
fn is_kept(attribute: &Attribute) -> bool {
    ["non_exhaustive", "must_use", "derive", "cfg", "proc_macro", "proc_macro_attribute"]
        .iter()
        .chain(&["proc_macro_derive", "deprecated"])
        .any(|kept| attribute.path().is_ident(kept))
}

/// Each name that a `use` declaration brings, with the path that it has there.
fn leaves(tree: &UseTree) -> Vec<(Vec<String>, String)> {
    fn walk(tree: &UseTree, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
        match tree {
            UseTree::Path(it) => {
                path.push(it.ident.to_string());
                walk(&it.tree, path, found);
                path.pop();
            }
            UseTree::Group(it) => it.items.iter().for_each(|tree| walk(tree, path, found)),
            UseTree::Name(it) => {
                let whole = path.iter().cloned().chain([it.ident.to_string()]).collect();
                found.push((whole, it.ident.to_string()));
            }
            UseTree::Rename(it) => {
                let whole = path.iter().cloned().chain([it.ident.to_string()]).collect();
                found.push((whole, it.rename.to_string()));
            }
            UseTree::Glob(_) => {}
        }
    }
    let mut found = Vec::new();
    walk(tree, &mut Vec::new(), &mut found);
    found
}

fn module_of(file: &Path) -> Vec<String> {
    let parts = file.with_extension("");
    let mut parts: Vec<_> = parts.iter().map(|it| it.to_string_lossy().into_owned()).collect();
    parts.pop_if(|last| *last == "mod" || *last == "lib");
    parts
}

/// Whether these items import the one at this place.
fn imports(items: &[Item], (module, name): &Place) -> bool {
    let whole: Vec<_> = ["crate".to_owned()].iter().chain(module).chain([name]).cloned().collect();
    items.iter().any(|item| match item {
        Item::Use(it) => leaves(&it.tree).iter().any(|(path, _)| *path == whole),
        _ => false,
    })
}

fn is_for(it: &ItemImpl, name: &str) -> bool {
    match &*it.self_ty {
        Type::Path(path) => {
            path.path.get_ident().is_some_and(|it| it == name)
                || path.path.segments.len() == 1 && path.path.segments[0].ident == name
        }
        _ => false,
    }
}

/// The public part of an implementation, if there is one.
fn public_part(mut it: ItemImpl) -> Option<ItemImpl> {
    if is_hidden(&it.attrs) {
        return None;
    }
    if it.trait_.is_some() {
        it.items.retain(|item| matches!(item, ImplItem::Type(_)));
        return Some(it);
    }
    it.items.retain(|item| match item {
        ImplItem::Fn(it) => {
            matches!(it.vis, Visibility::Public(_))
                && !is_hidden(&it.attrs)
                && !is_generated(&it.sig)
        }
        ImplItem::Const(it) => matches!(it.vis, Visibility::Public(_)),
        _ => false,
    });
    (!it.items.is_empty()).then_some(it)
}

/// Used by generated code only.
fn is_generated(signature: &syn::Signature) -> bool {
    signature.ident.to_string().starts_with("__")
}

/// Removes what users cannot see, and gives the item the name that it has for them.
struct Clean {
    from: String,
    to: String,
}

impl VisitMut for Clean {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(is_kept);
    }

    fn visit_ident_mut(&mut self, ident: &mut syn::Ident) {
        if *ident == self.from {
            *ident = syn::Ident::new(&self.to, ident.span());
        }
    }

    fn visit_fields_mut(&mut self, fields: &mut Fields) {
        visit_mut::visit_fields_mut(self, fields);
    }

    fn visit_item_struct_mut(&mut self, it: &mut syn::ItemStruct) {
        match &mut it.fields {
            Fields::Named(fields) => {
                let all = std::mem::take(&mut fields.named);
                fields.named =
                    all.into_iter().filter(|it| matches!(it.vis, Visibility::Public(_))).collect();
            }
            Fields::Unnamed(fields) => {
                let all = std::mem::take(&mut fields.unnamed);
                fields.unnamed =
                    all.into_iter().filter(|it| matches!(it.vis, Visibility::Public(_))).collect();
            }
            Fields::Unit => {}
        }
        visit_mut::visit_item_struct_mut(self, it);
    }

    fn visit_item_trait_mut(&mut self, it: &mut syn::ItemTrait) {
        let is_generated = |name: &syn::Ident| name.to_string().starts_with("__");
        it.items.retain(|item| match item {
            syn::TraitItem::Fn(it) => !is_hidden(&it.attrs) && !is_generated(&it.sig.ident),
            syn::TraitItem::Type(it) => !is_hidden(&it.attrs) && !is_generated(&it.ident),
            syn::TraitItem::Const(it) => !is_hidden(&it.attrs) && !is_generated(&it.ident),
            _ => false,
        });
        visit_mut::visit_item_trait_mut(self, it);
    }

    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.clear();
    }

    /// A constant's value is shown: it is a default or a limit.
    fn visit_item_const_mut(&mut self, it: &mut syn::ItemConst) {
        it.attrs.retain(is_kept);
    }
}

/// Keeps the helper honest: a set of all names would hide a collision.
#[test]
fn every_root_name_is_listed_once() {
    let list = fs::read_to_string(root().join("tests/tests/repository/public/mpcore.txt"))
        .unwrap_or_default();
    let file = syn::parse_file(&list).expect("a list is Rust");
    let mut seen = BTreeSet::new();
    for name in file.items.iter().filter_map(name_of) {
        assert!(seen.insert(name.clone()), "`{name}` is listed twice");
    }
    assert!(seen.len() > 50, "the list has only {} names", seen.len());
}
