//! What goes over the wire, besides values of users' types, is what `protocol/layout.txt` says: it
//! cannot change while the protocol's number stays the same. The tables of kinds and the numbers in
//! `docs/protocol.md` match the sources too.
//!
//! The layout is read from the sources: every type that is sent, with its fields and variants in
//! order, the tables of kinds, and the functions that write bytes by hand. Comments and the layout
//! of the sources do not matter. Names do, for a test cannot distinguish a renamed field from two
//! that have changed places. After a change that leaves every byte as it was (a new name, another
//! way to write the same bytes), edit the committed layout by hand: the difference is then
//! reviewed.
//!
//! When the layout has changed: raise `PROTOCOL`, describe the change in `docs/protocol.md`, and
//! write the new layout with `UPDATE_DOCS=1 cargo test --workspace --test repository protocol`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{fs, iter};

use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Fields, Ident, ImplItem, Item, LitInt, Meta, Stmt, Token};
use system_tests::repository::{files, root};

const SOURCES: &str = "mpcore/src";

/// Folders whose types only look as if they were sent.
const NOT_SENT: [&str; 2] = ["fixtures", "fuzzing"];

/// Constants that are sent, or that both sides must agree on.
const CONSTANTS: [(&str, &[&str]); 2] = [
    ("wire/packets/packet.rs", &["HEAD", "ITEM_HEAD", "PART_HEAD"]),
    ("wire/messages/handshake.rs", &["MAGIC", "OTHER_PROTOCOL", "OTHER_PROTOCOL_AT", "MARK"]),
];

/// Functions that write bytes by hand, or in which both sides must agree to the byte; after a type
/// without a function, its constants.
const FUNCTIONS: [(&str, &[&str]); 4] = [
    (
        "wire/packets/packet.rs",
        &["Head::write", "ItemHead::bytes", "CallFlags::", "write_part_head"],
    ),
    ("wire/packets/credit.rs", &["charge"]),
    ("wire/messages/handshake.rs", &["Record::write", "mismatch_packet"]),
    ("wire/interface/description.rs", &["hash"]),
];

/// The committed layout.
fn committed() -> PathBuf {
    root().join("tests/tests/repository/protocol/layout.txt")
}

fn source(file: &str) -> syn::File {
    let path = root().join(SOURCES).join(file);
    syn::parse_file(&fs::read_to_string(path).unwrap()).expect("the sources are Rust")
}

/// Returns code on one line, with a space only where it is needed or helps to read.
fn text(code: impl ToTokens) -> String {
    let spaced = code.into_token_stream().to_string();
    let mut out = String::new();
    let is_letter = |it: Option<char>| it.is_some_and(|it| it.is_alphanumeric() || it == '_');
    for word in spaced.split_whitespace() {
        let joins = !is_letter(out.chars().next_back()) || !is_letter(word.chars().next());
        let after = word == "as" || out.ends_with(',') || out.ends_with(';') || out.ends_with(" =");
        let operator =
            matches!(word, "=" | "=>" | "->") || out.ends_with(" =>") || out.ends_with(" ->");
        if !out.is_empty() && (!joins || after || operator) {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|it| it.path().is_ident("cfg") && text(&it.meta) == "cfg(test)")
}

/// Returns the attributes that change what is sent.
fn marks(attributes: &[Attribute]) -> String {
    let kept = attributes.iter().filter(|it| {
        it.path().is_ident("serde") || it.path().is_ident("cfg") || it.path().is_ident("cfg_attr")
    });
    let kept = kept.filter(|it| !text(&it.meta).contains("dead_code"));
    kept.map(|it| format!(" #[{}]", text(&it.meta))).collect()
}

/// Returns whether a type is sent as serde does, or is an enum of numbers.
fn is_sent(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return false };
        let tokens = list.tokens.to_string();
        let mut names = tokens.split(|it: char| !it.is_alphanumeric());
        match () {
            () if list.path.is_ident("derive") => {
                names.any(|it| it == "Serialize" || it == "Deserialize")
            }
            () => list.path.is_ident("repr") && names.any(|it| it == "u8"),
        }
    })
}

fn fields(fields: &Fields) -> String {
    let one = |field: &syn::Field| {
        let name = field.ident.as_ref().map_or(String::new(), |it| format!("{it}: "));
        format!("\n    {name}{}{}", text(&field.ty), marks(&field.attrs))
    };
    fields.iter().map(one).collect()
}

/// A table of `wire/packets/kinds.rs`.
struct Kinds {
    name: Ident,
    rows: Vec<Row>,
}

struct Row {
    number: u8,
    kind: Ident,
    /// The lane or lanes, in the words of the page.
    lanes: String,
    /// The phase of an item, and whether a packet uses credit, in the words of the page.
    rule: String,
}

/// The name and type of a column.
struct Column;

impl Parse for Column {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.parse::<Ident>()?;
        input.parse::<Token![:]>()?;
        input.parse::<syn::Type>()?;
        Ok(Self)
    }
}

impl Parse for Kinds {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Attribute::parse_outer(input)?;
        let name = input.parse()?;
        let columns;
        syn::braced!(columns in input);
        Punctuated::<Column, Token![,]>::parse_terminated(&columns)?;
        let mut rows = Vec::new();
        while !input.is_empty() {
            Attribute::parse_outer(input)?;
            let kind = input.parse()?;
            input.parse::<Token![=]>()?;
            let number = input.parse::<LitInt>()?.base10_parse()?;
            input.parse::<Token![,]>()?;
            let lanes = input.parse::<Expr>()?;
            input.parse::<Token![,]>()?;
            let rule = input.parse::<Expr>()?;
            input.parse::<Token![;]>()?;
            rows.push(Row { number, kind, lanes: words(&lanes), rule: words(&rule) });
        }
        Ok(Self { name, rows })
    }
}

/// Returns how the page says what a column of a table says.
fn words(cell: &Expr) -> String {
    match cell {
        Expr::Reference(it) => words(&it.expr),
        Expr::Array(it) => it.elems.iter().map(words).collect::<Vec<_>>().join(", "),
        other => match &*text(other) {
            "Lane::Requests" => "requests".into(),
            "Lane::Control" => "control".into(),
            "Lane::Events" => "events".into(),
            "Phase::Handshake" => "handshake".into(),
            "Phase::Start" => "start".into(),
            "Phase::Running" => "running".into(),
            "Phase::UntilEnd" => "from the handshake to `Bye`".into(),
            "Phase::End" => "end".into(),
            "true" => "yes".into(),
            "false" => "no".into(),
            other => panic!("the page has no words for `{other}`"),
        },
    }
}

/// Returns a table of kinds, if this is one.
fn kinds(item: &Item) -> Option<Kinds> {
    match item {
        Item::Macro(it) if it.mac.path.is_ident("kinds") => {
            Some(it.mac.parse_body().expect("a table of kinds"))
        }
        _ => None,
    }
}

/// Appends what of these items is sent.
fn describe(items: &[Item], out: &mut BTreeSet<String>) {
    for item in items {
        if let Some(Kinds { name, rows }) = kinds(item) {
            let row =
                |it: &Row| format!("\n    {} {}: {}: {}", it.number, it.kind, it.lanes, it.rule);
            out.insert(format!("enum {name}{}", rows.iter().map(row).collect::<String>()));
        }
        match item {
            Item::Struct(it) if is_sent(&it.attrs) && !is_for_tests(&it.attrs) => {
                let head = format!("struct {}{}", it.ident, marks(&it.attrs));
                out.insert(head + &fields(&it.fields));
            }
            Item::Enum(it) if is_sent(&it.attrs) && !is_for_tests(&it.attrs) => {
                let mut lines = format!("enum {}{}", it.ident, marks(&it.attrs));
                let mut next = 0;
                for variant in &it.variants {
                    if let Some((_, number)) = &variant.discriminant {
                        next = text(number).parse().expect("a discriminant is a number");
                    }
                    let (name, marks) = (&variant.ident, marks(&variant.attrs));
                    let _ = write!(lines, "\n    {next} {name}{marks}");
                    lines += &fields(&variant.fields).replace('\n', "\n    ");
                    next += 1;
                }
                out.insert(lines);
            }
            Item::Type(it) if !is_for_tests(&it.attrs) => {
                // Only names for bytes: other aliases are of this program alone.
                if let syn::Type::Array(array) = &*it.ty {
                    out.insert(format!("type {} = {}", it.ident, text(array)));
                }
            }
            Item::Mod(it) if !is_for_tests(&it.attrs) => {
                describe(it.content.as_ref().map_or(&[], |(_, items)| items), out);
            }
            _ => {}
        }
    }
}

/// Returns the constants with these names, each on a line.
fn constants(file: &str, names: &[&str]) -> String {
    let file = source(file);
    let find = |name: &&str| {
        file.items.iter().find_map(|item| match item {
            Item::Const(it) if it.ident == *name => {
                Some(format!("const {name} = {}", text(&it.expr)))
            }
            _ => None,
        })
    };
    let all = names.iter().map(|name| find(name).unwrap_or_else(|| panic!("no `{name}`")));
    all.map(|it| it + "\n").collect()
}

/// Returns the statements of these functions, each on a line; of `Type::`, the constants.
fn functions(file: &str, names: &[&str]) -> String {
    let parsed = source(file);
    let mut out = String::new();
    for name in names {
        let found = parsed.items.iter().filter_map(|item| match item {
            Item::Fn(it) if it.sig.ident == *name => Some(body(&it.block.stmts)),
            Item::Impl(it) if it.trait_.is_none() => {
                let (of, function) = name.split_once("::")?;
                (text(&it.self_ty) == of).then(|| members(&it.items, function))
            }
            _ => None,
        });
        let found: String = found.collect();
        assert!(!found.is_empty(), "there is no `{name}` in {file}");
        let _ = writeln!(out, "{name}{found}");
    }
    out
}

/// Returns a function's statements, or the constants if the name is empty.
fn members(items: &[ImplItem], function: &str) -> String {
    let one = |item: &ImplItem| match item {
        ImplItem::Fn(it) if it.sig.ident == function => body(&it.block.stmts),
        ImplItem::Const(it) if function.is_empty() => {
            format!("\n    {} = {}", it.ident, text(&it.expr))
        }
        _ => String::new(),
    };
    items.iter().map(one).collect()
}

fn body(statements: &[Stmt]) -> String {
    statements.iter().map(|it| format!("\n    {}", text(it))).collect()
}

fn protocol() -> u32 {
    let items = source("wire/packets/packet.rs").items;
    let number = items.iter().find_map(|item| match item {
        Item::Const(it) if it.ident == "PROTOCOL" => Some(&*it.expr),
        _ => None,
    });
    match number {
        Some(Expr::Lit(number)) => text(number).parse().expect("the protocol is a number"),
        other => panic!("the protocol is no literal: {}", text(other)),
    }
}

/// Returns everything but the number.
fn layout() -> String {
    let folder = root().join(SOURCES);
    let mut types = BTreeSet::new();
    for path in files(&["rs"]) {
        let Ok(file) = path.strip_prefix(&folder) else { continue };
        if NOT_SENT.iter().any(|folder| file.starts_with(folder)) {
            continue;
        }
        describe(&source(file.to_str().unwrap()).items, &mut types);
    }
    assert!(types.len() > 25, "{} types that are sent are found", types.len());
    let constants = CONSTANTS.iter().map(|(file, names)| constants(file, names));
    let functions = FUNCTIONS.iter().map(|(file, names)| functions(file, names));
    let types = types.into_iter().map(|it| it + "\n");
    let sections = iter::once(constants.collect()).chain(functions).chain(types);
    sections.collect::<Vec<_>>().join("\n")
}

/// What to do about a layout.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Same,
    /// The number has risen, and the committed layout is to be written.
    Newer,
    /// The layout has changed, and the number has not.
    NumberStays,
    /// The number is lower than the committed one.
    NumberFalls,
}

fn verdict(committed: &str, number: u32, layout: &str) -> Verdict {
    let (first, rest) = committed.split_once("\n\n").unwrap_or_default();
    let before: u32 = first.strip_prefix("protocol ").map_or(0, |it| it.parse().unwrap());
    match number.cmp(&before) {
        std::cmp::Ordering::Less => Verdict::NumberFalls,
        std::cmp::Ordering::Equal if rest == layout => Verdict::Same,
        std::cmp::Ordering::Equal => Verdict::NumberStays,
        std::cmp::Ordering::Greater => Verdict::Newer,
    }
}

/// Returns the parts that differ, as they were and as they are.
fn difference(before: &str, now: &str) -> String {
    let parts = |of: &str| of.split("\n\n").map(|it| it.trim().to_owned()).collect::<BTreeSet<_>>();
    let (before, now) = (parts(before), parts(now));
    let first = |part: &String| part.lines().next().unwrap_or_default().to_owned();
    let changed: BTreeSet<_> = before.symmetric_difference(&now).map(first).collect();
    let lines = |parts: &BTreeSet<String>, of: &String, sign: char| -> String {
        let part = parts.iter().find(|part| first(part) == *of);
        part.into_iter().flat_map(|it| it.lines()).map(|it| format!("{sign} {it}\n")).collect()
    };
    changed.iter().map(|of| lines(&before, of, '-') + &lines(&now, of, '+')).collect()
}

#[test]
fn the_layout_changes_only_with_the_protocols_number() {
    let (number, layout) = (protocol(), layout());
    let file = committed();
    let before = fs::read_to_string(&file).unwrap_or_default();
    let what_to_do = "raise PROTOCOL in mpcore/src/wire/packets/packet.rs, describe the change in \
         docs/protocol.md, and run `UPDATE_DOCS=1 cargo test --workspace --test repository protocol`";
    match verdict(&before, number, &layout) {
        Verdict::Same => {}
        Verdict::Newer if std::env::var_os("UPDATE_DOCS").is_some() => {
            fs::write(&file, format!("protocol {number}\n\n{layout}")).unwrap();
        }
        Verdict::Newer => panic!(
            "protocol {number} is newer than {}: read its difference with UPDATE_DOCS=1",
            file.display()
        ),
        Verdict::NumberStays => panic!(
            "what goes over the wire has changed, and protocol {number} is still its number: \
             {what_to_do}\n(if every byte is as before, edit {} instead)\n{}",
            file.display(),
            difference(&before, &format!("protocol {number}\n\n{layout}"))
        ),
        Verdict::NumberFalls => panic!("a protocol's number is never used again: {what_to_do}"),
    }
}

#[test]
fn the_page_describes_this_protocol() {
    let page = fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    let number = format!("**protocol {}**", protocol());
    assert!(page.contains(&number), "docs/protocol.md does not describe {number}");
    let [packet_head, item_head] = [head("HEAD"), head("ITEM_HEAD")];
    for line in [
        format!("| 0 | 1 | protocol | the protocol number, {} |", protocol()),
        format!("| protocol | `u32` | {} |", protocol()),
        format!("Every packet begins with a head of {packet_head} bytes:"),
        format!("| {packet_head} | | body |"),
        format!("An item is a head of {item_head} bytes and a payload:"),
        format!("| {item_head} | | payload |"),
        format!("{:02x} 00 01 00 00 00 ", protocol()),
    ] {
        assert!(page.contains(&line), "docs/protocol.md has no `{line}`");
    }
}

/// Returns the size of a head.
fn head(name: &str) -> u32 {
    let line = constants("wire/packets/packet.rs", &[name]);
    line.trim_end().rsplit(' ').next().unwrap().parse().expect("a number of bytes")
}

#[test]
fn the_page_has_the_tables_of_kinds() {
    let page = fs::read_to_string(root().join("docs/protocol.md")).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let tables: Vec<_> = source("wire/packets/kinds.rs").items.iter().filter_map(kinds).collect();
    let names: Vec<_> = tables.iter().map(|it| it.name.to_string()).collect();
    assert_eq!(names, ["PacketKind", "ItemKind"]);
    for table in tables {
        // The page says more about some, behind what the table says.
        let rule = if table.name == "PacketKind" { 5 } else { 3 };
        for it in &table.rows {
            let (number, kind) = (it.number.to_string(), format!("`{}`", it.kind));
            let row = rows.iter().find(|row| row[..2] == [&*number, &*kind]);
            let row = row.unwrap_or_else(|| panic!("no row for {number} {kind}"));
            assert_eq!(row[2], it.lanes, "{kind}");
            assert!(row[rule].starts_with(&it.rule), "{kind}: `{}`, not `{}`", row[rule], it.rule);
        }
        let of_table = |row: &&Vec<&str>| {
            let kind = row.get(1).map_or("", |it| it.trim_matches('`'));
            table.rows.iter().any(|it| it.kind == kind) && row[0].parse::<u8>().is_ok()
        };
        assert_eq!(rows.iter().filter(of_table).count(), table.rows.len(), "{}", table.name);
    }
}

#[test]
fn a_new_layout_is_taken_only_under_a_higher_number() {
    let committed = "protocol 4\n\nstruct A\n    a: u8\n";
    for (number, layout, expected) in [
        (4, "struct A\n    a: u8\n", Verdict::Same),
        (4, "struct A\n    a: u16\n", Verdict::NumberStays),
        (5, "struct A\n    a: u16\n", Verdict::Newer),
        (5, "struct A\n    a: u8\n", Verdict::Newer),
        (3, "struct A\n    a: u8\n", Verdict::NumberFalls),
    ] {
        assert_eq!(verdict(committed, number, layout), expected, "{number} {layout}");
    }
    assert_eq!(verdict("", 1, "struct A\n"), Verdict::Newer);
    let (before, now) = ("a\n b\n c\n\nd\n", "a\n c\n b\n\nd\n\ne\n");
    assert_eq!(difference(before, now), "- a\n-  b\n-  c\n+ a\n+  c\n+  b\n+ e\n");
}

#[test]
fn what_is_sent_is_found_in_the_sources() {
    let described = |code: &str| {
        let mut found = BTreeSet::new();
        describe(&syn::parse_file(code).unwrap().items, &mut found);
        found.into_iter().collect::<Vec<_>>().join("\n")
    };
    let code = "
        /// Text.
        #[derive(Debug, Serialize, Deserialize)] #[serde(transparent)]
        pub struct A { /* text */ pub(crate) one: Option<Vec<(u64, u32)>>, #[serde(skip)] two: B }
        #[derive(serde::Deserialize)] enum B { X, Y(u8, &'static str), #[cfg(unix)] Z { z: [u8; 4] } }
        #[repr(u8)] enum Kind { First = 1, Second, Last = 0x10 }
        struct NotSent { a: u8 }
        type Nonce = [u8; 16];
        type Other = Vec<u8>;
        #[cfg(test)] mod tests { #[derive(Serialize)] struct Hidden; }";
    let code = code.replace("0x10", "16");
    let expected = "enum B\n    0 X\n    1 Y\n        u8\n        &'static str\n    \
         2 Z #[cfg(unix)]\n        z: [u8; 4]\n\
         enum Kind\n    1 First\n    2 Second\n    16 Last\n\
         struct A #[serde(transparent)]\n    one: Option<Vec<(u64, u32)>>\n    two: B #[serde(skip)]\n\
         type Nonce = [u8; 16]";
    assert_eq!(described(&code), expected);
    let code = "struct S;\n#[derive(Serialize)]\nstruct A(u8);";
    let spaced = "struct S; // text\n/** text */ #[derive ( Serialize )]   struct A (\n u8, )\n;";
    assert_eq!(described(code), described(spaced));
}
