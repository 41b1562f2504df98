//! The pages of the repository: every link leads to a file or heading that exists, and every
//! example in Rust shows all of its lines.

use std::collections::BTreeSet;
use std::fs;

use system_tests::repository::{files, root};

/// Returns the targets of the links of a page, without those in blocks of code.
fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        // Code in a line may look like a link.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("");
        let parts = prose.split("](").skip(1).filter(|_| !in_code);
        links.extend(parts.filter_map(|part| part.split(')').next()).map(str::to_owned));
    }
    links
}

/// Returns the anchors of a page's headings, as forges make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
        kept.map(|it| if it == ' ' { '-' } else { it }).collect()
    };
    headings.map(anchor).collect()
}

/// Returns the lines of examples in Rust that rustdoc would hide. Readers of the page itself see
/// them with a sign that is no Rust, and readers of the documentation cannot copy the example. A
/// block without a language is Rust, as for rustdoc.
fn hidden_lines(text: &str) -> Vec<&str> {
    const OTHERS: [&str; 6] = ["text", "toml", "sh", "qml", "json", "console"];
    let mut hidden = Vec::new();
    let mut block: Option<&str> = None;
    for line in text.lines().map(str::trim) {
        match (line.strip_prefix("```"), block) {
            (Some(language), None) => block = Some(language),
            (Some(_), Some(_)) => block = None,
            (None, Some(language)) if !OTHERS.contains(&language) => {
                if line == "#" || line.starts_with("# ") {
                    hidden.push(line);
                }
            }
            (None, _) => {}
        }
    }
    hidden
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let mut broken = Vec::new();
    let mut checked = 0;
    for page in files(&["md"]) {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            // Pages that are rustdoc too name items; addresses are not fetched here.
            if link.contains("::") || link.contains("://") || link.is_empty() {
                continue;
            }
            checked += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let to = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let is_page = to.extension().is_some_and(|it| it == "md");
            let there = to.exists()
                && (anchor.is_empty()
                    || !is_page
                    || anchors(&fs::read_to_string(&to).unwrap()).contains(anchor));
            if !there {
                broken.push(format!("{}: {link}", page.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(checked > 20, "{checked} links are checked");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn examples_in_pages_hide_no_lines() {
    let mut wrong = Vec::new();
    for page in files(&["md"]) {
        let text = fs::read_to_string(&page).unwrap();
        let name = page.strip_prefix(root()).unwrap().display();
        wrong.extend(hidden_lines(&text).iter().map(|line| format!("{name}: {line}")));
    }
    assert!(wrong.is_empty(), "write these lines out, or leave them out: {wrong:#?}");
}

#[test]
fn hidden_lines_are_found_in_rust_alone() {
    let text = "# Heading\n```\n# one\n#[two]\n  #\n```\n# Other\n```sh\n# three\n```\n\
         ```rust,no_run\nlet four = 4;\n    # five\n```\n";
    assert_eq!(hidden_lines(text), ["# one", "#", "# five"]);
}

#[test]
fn links_and_anchors_are_found() {
    let text =
        "# The tree, `ls`\nSee [a](one.md#x) and [b](two) `[c](three)`\n```\n[d](four)\n```\n";
    assert_eq!(links(text), ["one.md#x", "two"]);
    assert_eq!(anchors(text), BTreeSet::from(["the-tree-ls".to_owned()]));
}
