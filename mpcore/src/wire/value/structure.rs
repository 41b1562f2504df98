//! The structures of a type that are known to be read back correctly.
//!
//! A type's `Serialize` and `Deserialize` are two programs, and only use shows whether they agree.
//! A value's *structure* is the sequence of calls that its `Serialize` makes, without numbers and
//! strings: which variant, `Some` or `None`, which fields, whether a sequence is empty. A
//! `Deserialize` that has read one value of a structure asks the same of every other one. So the
//! sender reads its own bytes back once per structure, and remembers the structure's hash here.
//!
//! The elements of a sequence count one by one, each under the path that leads to it: a thousand
//! readings are one structure, not a thousand. Hashes are 64 bits wide and not hardened, because
//! the values are the sender's own.
//!
//! There is one table per type, for the life of the process, without locks: a cache of fixed size.
//! A structure that it forgets is read back once more. Beside it are the two flags of a type: that
//! it needs the described form, and that it needs options as JSON has them.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::limits::FRESH_STRUCTURES;
use crate::sync::lock;

/// Structures that share a place in the table.
const WAYS: usize = 4;

/// Places, a power of two: with [`WAYS`] hashes of eight bytes, a table takes up 16 KiB.
const PLACES: usize = 512;

/// Number of elements at the start of a sequence that its type may read one by one, each in its own
/// way.
pub(crate) const BY_PLACE: u64 = 8;

/// The knowledge about one type.
#[derive(Debug, Default)]
pub(crate) struct TypeKnowledge {
    /// The plain form is not enough for the type.
    described: AtomicBool,
    /// Nor is the described form with marked options.
    bare_options: AtomicBool,
    table: OnceLock<Box<[AtomicU64]>>,
}

impl TypeKnowledge {
    /// Returns the knowledge about `T`: the same for every thread.
    pub(crate) fn of<T: 'static>() -> &'static Self {
        thread_local! {
            static SEEN: RefCell<ByType> = RefCell::default();
        }
        let id = TypeId::of::<T>();
        let seen =
            SEEN.try_with(|seen| *seen.borrow_mut().entry(id).or_insert_with(|| Self::shared(id)));
        // A thread that is ending has no thread-local cache any more.
        seen.unwrap_or_else(|_| Self::shared(id))
    }

    fn shared(id: TypeId) -> &'static Self {
        static ALL: Mutex<Option<ByType>> = Mutex::new(None);
        let mut all = lock(&ALL);
        // One for each type that travels; never freed.
        all.get_or_insert_default().entry(id).or_insert_with(|| Box::leak(Box::default()))
    }

    pub(crate) fn needs_description(&self) -> bool {
        self.described.load(Ordering::Relaxed)
    }

    pub(crate) fn describe_from_now_on(&self) {
        self.described.store(true, Ordering::Relaxed);
    }

    pub(crate) fn needs_bare_options(&self) -> bool {
        self.bare_options.load(Ordering::Relaxed)
    }

    pub(crate) fn bare_options_from_now_on(&self) {
        self.bare_options.store(true, Ordering::Relaxed);
    }

    /// Returns the places in the table that this hash may take.
    fn place(&self, hash: u64) -> &[AtomicU64] {
        let table =
            self.table.get_or_init(|| (0..PLACES * WAYS).map(|_| AtomicU64::new(0)).collect());
        let place = (hash >> 40) as usize % PLACES;
        &table[place * WAYS..][..WAYS]
    }

    fn has(&self, hash: u64) -> bool {
        self.place(hash).iter().any(|way| way.load(Ordering::Relaxed) == hash)
    }

    /// Records that values of these structures are read back correctly.
    pub(crate) fn learn(&self, fresh: &[u64]) {
        for hash in fresh {
            let ways = self.place(*hash);
            let free = ways.iter().find(|way| way.load(Ordering::Relaxed) == 0);
            let way = free.unwrap_or(&ways[(*hash >> 33) as usize % WAYS]);
            way.store(*hash, Ordering::Relaxed);
        }
    }
}

type ByType = HashMap<TypeId, &'static TypeKnowledge, BuildHasherDefault<IdHasher>>;

/// A `TypeId` is already a hash.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 ^= word;
    }
}

/// Mixes one more word into a hash.
#[inline]
pub(crate) fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Mixes in a compiled-in name by its address. If one name has two addresses, its structures are
/// read back once for each.
#[inline]
pub(crate) fn mix_name(hash: u64, name: &'static str) -> u64 {
    mix(hash, (name.as_ptr() as u64) ^ (name.len() as u64).rotate_left(48))
}

/// The hash state before a sequence: values after it continue from there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    hash: u64,
    path: u64,
}

impl Before {
    /// Returns the same state, with one more step in the path.
    pub(crate) fn under(self, word: u64) -> Self {
        Self { path: mix(self.path, word), ..self }
    }
}

/// The structure of the value that is being encoded.
#[derive(Debug)]
pub(crate) struct Structure {
    known: &'static TypeKnowledge,
    /// The form in which a structure is written is part of its hash.
    hash: u64,
    /// The path to the open sequence, without its siblings.
    path: u64,
    /// The hash that was looked up last, since elements of a sequence are often alike.
    last: u64,
    fresh: Vec<u64>,
    /// Elements of sequences so far.
    elements: usize,
}

/// The structures of one value.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Structures that have not been read back yet.
    pub(crate) fresh: Vec<u64>,
    /// Elements of all its sequences.
    pub(crate) elements: usize,
}

impl Structure {
    pub(crate) fn new(known: &'static TypeKnowledge, form: u64) -> Self {
        let start = mix(form, 1);
        Self { known, hash: start, path: start, last: 0, fresh: Vec::new(), elements: 0 }
    }

    #[inline]
    pub(crate) fn note(&mut self, word: u64) {
        self.hash = mix(self.hash, word);
    }

    #[inline]
    pub(crate) fn note_name(&mut self, name: &'static str) {
        self.hash = mix_name(self.hash, name);
    }

    /// Begins a composite value.
    #[inline]
    pub(crate) fn open(&self) -> Before {
        Before { hash: self.hash, path: self.path }
    }

    /// Begins the next member of a struct or tuple; `word` distinguishes it from the others.
    #[inline]
    pub(crate) fn member(&mut self, before: Before, word: u64) {
        self.path = mix(before.path, word);
    }

    #[inline]
    pub(crate) fn member_name(&mut self, before: Before, name: &'static str) {
        self.path = mix_name(before.path, name);
        self.note_name(name);
    }

    /// Ends a composite value.
    #[inline]
    pub(crate) fn close(&mut self, before: Before) {
        self.path = before.path;
    }

    /// Begins an element of a sequence, which counts by itself.
    #[inline]
    pub(crate) fn element(&mut self, before: Before) {
        self.path = mix(before.path, 2);
        self.hash = self.path;
        self.elements += 1;
    }

    /// Ends an element; returns its hash.
    #[inline]
    pub(crate) fn end_element(&mut self) -> u64 {
        let hash = self.hash;
        self.look_up(hash);
        hash
    }

    /// Ends a sequence. A type may read the first few elements by their positions, so short
    /// sequences also count by their lengths.
    #[inline]
    pub(crate) fn end_row(&mut self, before: Before, count: u64) {
        self.path = before.path;
        self.look_up(mix(mix(before.path, 5), count.min(BY_PLACE)));
        self.hash = mix(before.hash, 3 + u64::from(count == 0));
    }

    /// Notes the key of an entry that its type wrote as a literal: it may decide how the value is
    /// read.
    pub(crate) fn key(&mut self, text: &str) {
        let hash = text.bytes().fold(self.path, |hash, byte| mix(hash, u64::from(byte)));
        (self.path, self.hash) = (hash, hash);
    }

    /// Notes a hash as fresh if it is not known.
    #[inline]
    fn look_up(&mut self, hash: u64) {
        if hash != self.last {
            self.last = hash;
            if !self.known.has(hash) && self.fresh.len() < FRESH_STRUCTURES.get() {
                self.fresh.push(hash);
            }
        }
    }

    pub(crate) fn finish(mut self) -> Seen {
        let hash = self.hash;
        self.look_up(hash);
        Seen { fresh: self.fresh, elements: self.elements }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learnt_is_known_on_every_thread() {
        struct Mine;
        let known = TypeKnowledge::of::<Mine>();
        assert!(!known.has(77 << 40) && !known.needs_description());
        known.learn(&[77 << 40]);
        known.describe_from_now_on();
        let elsewhere = std::thread::spawn(|| {
            let known = TypeKnowledge::of::<Mine>();
            known.has(77 << 40) && known.needs_description()
        });
        assert!(elsewhere.join().unwrap());
        struct Other;
        assert!(!TypeKnowledge::of::<Other>().has(77 << 40));
    }

    #[test]
    fn a_full_table_forgets_and_goes_on() {
        struct Many;
        let known = TypeKnowledge::of::<Many>();
        let hashes: Vec<u64> = (1..10_000).map(|n| mix(0, n)).collect();
        for hash in &hashes {
            known.learn(&[*hash]);
            assert!(known.has(*hash), "the newest is always present");
        }
        let kept = hashes.iter().filter(|hash| known.has(**hash)).count();
        assert!(kept <= PLACES * WAYS && kept > PLACES, "{kept}");
    }

    #[test]
    fn rows_of_like_elements_are_one_structure() {
        struct Row;
        let known = TypeKnowledge::of::<Row>();
        let fresh = |elements: &[u64]| {
            let mut structure = Structure::new(known, 0);
            structure.note(20);
            let before = structure.open();
            for element in elements {
                structure.element(before);
                structure.note(*element);
                structure.end_element();
            }
            structure.end_row(before, elements.len() as u64);
            structure.finish().fresh
        };
        known.learn(&fresh(&[5; 8]));
        assert_eq!(fresh(&[5; 100]), [0; 0]);
        assert_eq!(fresh(&[]).len(), 2, "an empty row is a new structure with a new length");
        assert_eq!(fresh(&[6; 100]).len(), 1, "an element of another kind is a new structure");
        assert_eq!(fresh(&[5; 3]).len(), 1, "a few elements may be read by their places");
    }
}
