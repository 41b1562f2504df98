//! Parses the text of a shape, which may come from another process. [`super`] describes the format.
//!
//! The other side's text is untrusted, and may have been cut: parts that cannot be read are absent,
//! and nothing here nests deeper than [`DEEPEST`]. [`cut`] shortens a text before it is sent.

/// Deepest nesting of places: more than a trace follows.
pub(crate) const DEEPEST: usize = 256;

/// A shape.
pub(crate) struct Shape<'a> {
    pub(crate) root: ReadPlace<'a>,
    /// By number; types that were cut off are missing.
    pub(crate) named: Vec<Named<'a>>,
    /// The type's own name, if its values carry the names of their parts.
    pub(crate) of: Option<&'a str>,
    /// A bound was reached.
    pub(crate) limited: bool,
}

/// A place for a value.
pub(crate) struct ReadPlace<'a> {
    /// The requests at this place; empty if it could not be reached.
    pub(crate) asks: Vec<ReadRequest<'a>>,
    /// The mark after the requests: `!`, `!panic`, or nothing.
    pub(crate) mark: &'a str,
}

/// What a type asks for at a place.
pub(crate) enum ReadRequest<'a> {
    Leaf(&'a str),
    /// Name and number.
    Named(&'a str, usize),
    /// `option`, `seq` or `map`, and its contents.
    Of(&'a str, Vec<ReadPlace<'a>>),
    Row(Row<'a>),
    /// The n-th nameless type around this place.
    Around(usize),
}

/// Elements in order, with equal neighbours counted.
pub(crate) type Row<'a> = Vec<(ReadPlace<'a>, usize)>;

/// The contents of a struct or of a variant.
pub(crate) enum ReadForm<'a> {
    Unseen,
    Unit,
    Row(Row<'a>),
    Fields(Vec<(&'a str, ReadPlace<'a>)>),
}

/// A named type: a struct has one arm without a name, an enum has one per variant.
pub(crate) struct Named<'a> {
    /// `struct`, `newtype` or `enum`.
    pub(crate) head: &'a str,
    pub(crate) arms: Vec<(&'a str, ReadForm<'a>)>,
}

impl<'a> Shape<'a> {
    /// Parses a text. Returns `None` if not even the type itself can be read.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let (text, limited) = match text.strip_suffix("!limit") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let mut reader = Reader { rest: text, depth: 0 };
        let root = reader.place()?;
        if !(reader.rest.is_empty() || reader.rest.starts_with('\n')) {
            return None;
        }
        let (mut named, mut of) = (Vec::new(), None);
        while reader.skip("\n") {
            if reader.skip("of ") {
                of = Some(reader.rest);
                break;
            }
            let Some(definition) = reader.definition(named.len()) else { break };
            named.push(definition);
        }
        Some(Self { root, named, of, limited })
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn skip(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        self.skip(token).then_some(())
    }

    fn take(&mut self, length: usize) -> Option<&'a str> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn word(&mut self) -> &'a str {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let length = self.rest.find(|c| !plain(c)).unwrap_or(self.rest.len());
        self.take(length).unwrap_or_default()
    }

    fn number(&mut self) -> Option<usize> {
        let digits = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        self.take(digits)?.parse().ok()
    }

    /// Parses a name, either plain or quoted after its length.
    fn name(&mut self) -> Option<&'a str> {
        let word = self.word();
        if !self.skip("\"") {
            return (!word.is_empty()).then_some(word);
        }
        let name = self.take(word.parse().ok()?)?;
        self.expect("\"")?;
        Some(name)
    }

    fn place(&mut self) -> Option<ReadPlace<'a>> {
        if self.depth == DEEPEST {
            return None;
        }
        self.depth += 1;
        let mut asks = Vec::new();
        if !self.skip("?") {
            asks.push(self.ask()?);
            while self.skip("|") {
                asks.push(self.ask()?);
            }
        }
        self.depth -= 1;
        let marks = ["!panic", "!"];
        let mark = marks.into_iter().find(|mark| self.skip(mark)).unwrap_or_default();
        Some(ReadPlace { asks, mark })
    }

    fn ask(&mut self) -> Option<ReadRequest<'a>> {
        if self.skip("^") {
            return self.number().map(ReadRequest::Around);
        }
        if self.rest.starts_with('(') {
            return self.row().map(ReadRequest::Row);
        }
        let name = self.name()?;
        if self.skip("#") {
            return self.number().map(|number| ReadRequest::Named(name, number));
        }
        if !self.skip("<") {
            return Some(ReadRequest::Leaf(name));
        }
        let mut inside = vec![self.place()?];
        while self.skip(",") {
            inside.push(self.place()?);
        }
        self.expect(">")?;
        Some(ReadRequest::Of(name, inside))
    }

    fn row(&mut self) -> Option<Row<'a>> {
        self.expect("(")?;
        let mut row = Vec::new();
        while !self.skip(")") {
            if !row.is_empty() {
                self.expect(",")?;
            }
            let place = self.place()?;
            let count = if self.skip("*") { self.number()? } else { 1 };
            row.push((place, count));
        }
        Some(row)
    }

    fn form(&mut self) -> Option<ReadForm<'a>> {
        if self.skip("?") {
            return Some(ReadForm::Unseen);
        }
        if self.rest.starts_with('(') {
            return self.row().map(ReadForm::Row);
        }
        if !self.skip("{") {
            return Some(ReadForm::Unit);
        }
        let mut fields = Vec::new();
        while !self.skip("}") {
            if !fields.is_empty() {
                self.expect(",")?;
            }
            let name = self.name()?;
            self.expect(":")?;
            fields.push((name, self.place()?));
        }
        Some(ReadForm::Fields(fields))
    }

    fn definition(&mut self, number: usize) -> Option<Named<'a>> {
        let head = ["struct", "newtype", "enum"].into_iter().find(|head| self.skip(head))?;
        self.expect(" ")?;
        self.name()?;
        self.expect("#")?;
        if self.number()? != number {
            return None;
        }
        if head != "enum" {
            return Some(Named { head, arms: vec![("", self.form()?)] });
        }
        self.expect("{")?;
        let mut arms = Vec::new();
        while !self.skip("}") {
            if !arms.is_empty() {
                self.expect(",")?;
            }
            arms.push((self.name()?, self.form()?));
        }
        Some(Named { head, arms })
    }
}

/// Returns as many whole lines of a shape's text as fit.
pub(crate) fn cut(text: &str, room: usize) -> &str {
    if text.len() <= room {
        return text;
    }
    let end = text.as_bytes()[..=room].iter().rposition(|byte| *byte == b'\n');
    end.map_or("", |end| &text[..end])
}
