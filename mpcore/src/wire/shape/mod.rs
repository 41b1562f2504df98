//! The serde shape of a type, as text.
//!
//! If controller and child are two programs, each describes the argument, result, error, property,
//! event and config types of its interface with [`shape`], and the handshake compares the texts: a
//! field added on one side, a renamed variant, or an `i64` that was an `i32` is refused before the
//! first command, and the message names it ([`read`], [`difference`]). Each type is traced once per
//! program, on whichever thread asks first. If both sides are the same program nothing is traced,
//! so no user code runs for it.
//!
//! A type reveals its shape only by asking a `Deserializer` for it. So `T` is deserialized again
//! and again from nothing ([`asked`]): its requests are recorded ([`trace`]) and answered with
//! made-up values ([`made_up`]), each pass takes paths that were not taken yet (another variant,
//! `Some`, an element), and finally the records are written down ([`text`]). `serde-reflection` is
//! not sufficient: it gives up at the first value that a type refuses (`NonZeroU32`, a string that
//! is parsed), at two types with the same name (`Page<A>` and `Page<B>`), and at enums that are
//! reached only through others.
//!
//! # The text
//!
//! The first line is `T` itself, then one line per named type, in the order of mention:
//!
//! ```text
//! seq<Reading#0>
//! struct Reading#0{volts:f64,at:option<Duration#1>,state:State#2,raw:(u8*4)}
//! struct Duration#1{secs:u64,nanos:u32}
//! enum State#2{Idle,Busy(u32),Failed{code:i32,text:str}}
//! ```
//!
//! | mark | meaning |
//! |---|---|
//! | `?` | could not be reached |
//! | `T!` | refused every made-up value; the elements of a tuple after it cannot be reached, those of a struct can |
//! | `T!panic` | panicked on a value, and was left alone from then on |
//! | `T\|U` | asked sometimes for the one, sometimes for the other |
//! | `^n` | a nameless type that contains itself: the n-th one around this place |
//! | `any`, `identifier`, `ignored` | what it asked for (flattened, tagged and untagged types): such values carry the names of their parts and are checked when they are read, so they are not traced further here |
//! | `of Name`, the last line | the type's name without its path, if it contains one of these |
//! | `!limit`, at the end | a bound was reached, something may be missing |
//!
//! Parts marked `?` are not compared, nor are parts that a bound has cut off ([`unseen`]): the user
//! is warned about them, once per interface.
//!
//! # Invariants
//!
//! * The text contains only what the `Deserialize` implementations ask for: no address, hash order,
//!   module path or time. (Names of visitor types distinguish types with the same name while
//!   tracing, and are not written. Two types that also have the same visitor name, from two
//!   versions of one crate, are treated as one type, which then asks sometimes for the one and
//!   sometimes for the other.) An implementation that uses anything besides its input has no stable
//!   text.
//! * Tracing ends and does not panic: passes, steps, depth and length are bounded, and user code
//!   runs inside a catch, without calling a panic hook. With `panic = "abort"` there is no catch,
//!   so no type is traced at all. A type whose `Drop` panics while it unwinds ends the process, as
//!   everywhere.
//! * A shape describes the wire format, not which values are valid: `Vec` and `HashSet`, `u32` and
//!   `NonZeroU32`, `String` and `PathBuf` are the same.

use std::any::{TypeId, type_name};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::de::DeserializeOwned;

use crate::panics::hook::quietly;
use crate::sync::lock;

mod asked;
mod difference;
mod made_up;
mod read;
mod text;
mod trace;
mod unseen;

pub(crate) use crate::wire::shape::difference::difference;
pub(crate) use crate::wire::shape::read::cut;
pub(crate) use crate::wire::shape::unseen::unseen;

/// The shape of a type that was not traced.
pub(crate) const UNSEEN: &str = "?";

/// Returns the serde shape of `T`: the same text in every build that decodes `T` in the same way.
///
/// Runs the user's `Deserialize`, once per type and program.
pub(crate) fn shape<T: DeserializeOwned + 'static>() -> Arc<str> {
    static KNOWN: Mutex<BTreeMap<TypeId, Arc<str>>> = Mutex::new(BTreeMap::new());
    let of = TypeId::of::<T>();
    if let Some(known) = lock(&KNOWN).get(&of) {
        return Arc::clone(known);
    }
    // A panic on a made-up value would end the process.
    if cfg!(panic = "abort") {
        return Arc::from(UNSEEN);
    }
    // Not under the lock.
    match quietly(traced::<T>) {
        Ok(text) => {
            let text = Arc::from(text.as_deref().unwrap_or(UNSEEN));
            Arc::clone(lock(&KNOWN).entry(of).or_insert(text))
        }
        // While this thread unwinds, it cannot silence its panics; the next call may succeed.
        Err(_) => Arc::from(UNSEEN),
    }
}

/// Traces `T`, and writes down its shape.
fn traced<T: DeserializeOwned>() -> String {
    let mut trace = trace::Trace::default();
    let root = trace.add_slot();
    while trace.next_pass(root) {
        // The slot holds the result; a value is dropped inside the catch as well.
        let _ = trace.fill(root, |asked| T::deserialize(asked).map(drop));
    }
    text::write(&trace, root, type_name::<T>())
}

#[cfg(test)]
#[allow(dead_code)] // the types below are described, their fields are never read
mod tests {
    use std::borrow::Cow;
    use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
    use std::ffi::CString;
    use std::fmt;
    use std::marker::PhantomData;
    use std::net::{IpAddr, SocketAddr};
    use std::num::{NonZeroI8, NonZeroU32, NonZeroU128};
    use std::ops::{Bound, RangeInclusive};
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    use serde::Deserialize;
    use serde::de::{
        Deserializer, EnumAccess, Error as _, IgnoredAny, MapAccess, SeqAccess, VariantAccess,
        Visitor,
    };

    use super::*;

    type Shape = fn() -> String;

    #[test]
    fn a_type_is_traced_once() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        static TRACED: AtomicUsize = AtomicUsize::new(0);
        struct Counted;
        impl<'de> Deserialize<'de> for Counted {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                TRACED.fetch_add(1, Ordering::SeqCst);
                u8::deserialize(deserializer).map(|_| Self)
            }
        }
        let first = shape::<Counted>();
        assert_eq!((&*first, TRACED.load(Ordering::SeqCst)), ("u8", 1));
        assert!(Arc::ptr_eq(&first, &shape::<Counted>()));
        assert_eq!(TRACED.load(Ordering::SeqCst), 1);
        assert_eq!(&*shape::<Vec<Counted>>(), "seq<u8>", "its container is another type");
    }

    #[test]
    fn what_a_panic_leaves_behind_may_panic_too() {
        struct Explosive;
        impl<'de> Deserialize<'de> for Explosive {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                u8::deserialize(deserializer)?;
                std::panic::panic_any(crate::panics::unwind::tests::Bomb)
            }
        }
        assert_eq!(&*shape::<(u8, Explosive)>(), "(u8,u8!panic)");
    }

    /// Each shape has this text; also in the second run, and on a thread of default size.
    #[track_caller]
    fn check(cases: &[(Shape, &str)]) {
        for (shape, text) in cases {
            assert_eq!(shape(), *text);
            assert_eq!(std::thread::spawn(*shape).join().expect("no panic comes out"), *text);
        }
    }

    /// Each pair has two shapes, neither of them incomplete.
    #[track_caller]
    fn check_differ(cases: &[(&str, Shape, Shape)]) {
        for (change, one, other) in cases {
            let (one, other) = (one(), other());
            assert_ne!(one, other, "{change}");
            assert!(!one.contains("!limit") && !other.contains("!limit"), "{change}");
        }
    }

    #[test]
    fn std_types() {
        check(&[
            (traced::<bool>, "bool"),
            (traced::<i8>, "i8"),
            (traced::<u128>, "u128"),
            (traced::<usize>, "u64"),
            (traced::<f32>, "f32"),
            (traced::<char>, "char"),
            (traced::<String>, "str"),
            (traced::<Cow<'static, str>>, "str"),
            (traced::<Box<str>>, "str"),
            (traced::<PathBuf>, "str"),
            (traced::<()>, "unit"),
            (traced::<CString>, "bytes"),
            (traced::<PhantomData<i32>>, "PhantomData#0\nstruct PhantomData#0"),
            (traced::<NonZeroU32>, "u32"),
            (traced::<(NonZeroI8, NonZeroU128, char)>, "(i8,u128,char)"),
            (traced::<Option<Option<u8>>>, "option<option<u8>>"),
            (traced::<(i32,)>, "(i32)"),
            (traced::<[u8; 0]>, "()"),
            (traced::<[[f64; 3]; 32]>, "((f64*3)*32)"),
            (traced::<VecDeque<BTreeSet<u8>>>, "seq<seq<u8>>"),
            (traced::<HashMap<String, Vec<(u8, u8)>>>, "map<str,seq<(u8*2)>>"),
            (traced::<BTreeMap<char, HashSet<i64>>>, "map<char,seq<i64>>"),
            (traced::<Duration>, "Duration#0\nstruct Duration#0{secs:u64,nanos:u32}"),
            (
                traced::<(SystemTime, bool)>,
                "(SystemTime#0,bool)\n\
                 struct SystemTime#0{secs_since_epoch:u64,nanos_since_epoch:u32}",
            ),
            (
                traced::<Result<IpAddr, RangeInclusive<u8>>>,
                "Result#0\n\
                 enum Result#0{Ok(IpAddr#1),Err(RangeInclusive#2)}\n\
                 enum IpAddr#1{V4((u8*4)),V6((u8*16))}\n\
                 struct RangeInclusive#2{start:u8,end:u8}",
            ),
            (
                traced::<Vec<SocketAddr>>,
                "seq<SocketAddr#0>\n\
                 enum SocketAddr#0{V4(((u8*4),u16)),V6(((u8*16),u16))}",
            ),
            (
                traced::<Bound<NonZeroU32>>,
                "Bound#0\nenum Bound#0{Unbounded,Included(u32),Excluded(u32)}",
            ),
        ]);
    }

    #[cfg(unix)]
    #[test]
    fn what_exists_on_one_platform_only_is_marked() {
        check(&[(
            traced::<(std::ffi::OsString, u8)>,
            "(OsString#0,u8)\nenum OsString#0{Unix(seq<u8>),Windows?}",
        )]);
    }

    mod base {
        use serde::Deserialize;

        #[derive(Deserialize)]
        pub(crate) struct Laser {
            port: String,
            power: f64,
            mode: Mode,
        }
        #[derive(Deserialize)]
        pub(crate) enum Mode {
            Off,
            Steady(u32),
            Pulsed { hz: f64, width: f64 },
            Swept(u32, u32),
        }
        #[derive(Deserialize)]
        pub(crate) struct Pair(i32, i64);
        #[derive(Deserialize)]
        pub(crate) struct Newtype(i32);
        #[derive(Deserialize)]
        pub(crate) struct Unit;
    }

    #[test]
    fn named_types() {
        check(&[
            (
                traced::<base::Laser>,
                "Laser#0\n\
                 struct Laser#0{port:str,power:f64,mode:Mode#1}\n\
                 enum Mode#1{Off,Steady(u32),Pulsed{hz:f64,width:f64},Swept(u32*2)}",
            ),
            (traced::<base::Pair>, "Pair#0\nstruct Pair#0(i32,i64)"),
            (traced::<Box<base::Newtype>>, "Newtype#0\nnewtype Newtype#0(i32)"),
            (traced::<Vec<base::Unit>>, "seq<Unit#0>\nstruct Unit#0"),
            (
                traced::<(Laser<u8>, Laser<Laser<u8>>, base::Laser, Laser<u8>)>,
                "(Laser#0,Laser#1,Laser#2,Laser#0)\n\
                 struct Laser#0{port:str,power:f64,mode:u8}\n\
                 struct Laser#1{port:str,power:f64,mode:Laser#0}\n\
                 struct Laser#2{port:str,power:f64,mode:Mode#3}\n\
                 enum Mode#3{Off,Steady(u32),Pulsed{hz:f64,width:f64},Swept(u32*2)}",
            ),
        ]);
    }

    /// [`base::Laser`] with a mode that is changed in one place.
    #[derive(Deserialize)]
    struct Laser<M> {
        port: String,
        power: f64,
        mode: M,
    }

    macro_rules! modes {
        ($($name:ident { $($body:tt)* })*) => {$(
            #[derive(Deserialize)]
            #[serde(rename = "Mode")]
            enum $name { $($body)* }
        )*};
    }
    modes! {
        Same { Off, Steady(u32), Pulsed { hz: f64, width: f64 }, Swept(u32, u32) }
        Renamed { Off, Constant(u32), Pulsed { hz: f64, width: f64 }, Swept(u32, u32) }
        Reordered { Steady(u32), Off, Pulsed { hz: f64, width: f64 }, Swept(u32, u32) }
        More { Off, Steady(u32), Pulsed { hz: f64, width: f64 }, Swept(u32, u32), Test }
        Payload { Off, Steady(u64), Pulsed { hz: f64, width: f64 }, Swept(u32, u32) }
        PayloadGone { Off, Steady, Pulsed { hz: f64, width: f64 }, Swept(u32, u32) }
        Field { Off, Steady(u32), Pulsed { hz: f64, duty: f64 }, Swept(u32, u32) }
        FieldWidth { Off, Steady(u32), Pulsed { hz: f64, width: f32 }, Swept(u32, u32) }
        Longer { Off, Steady(u32), Pulsed { hz: f64, width: f64 }, Swept(u32, u32, u32) }
        LastWidth { Off, Steady(u32), Pulsed { hz: f64, width: f64 }, Swept(u32, i32) }
    }

    #[test]
    fn a_change_anywhere_inside_shows() {
        assert_eq!(traced::<base::Laser>(), traced::<Laser<Same>>());

        fn inside<M: DeserializeOwned>() -> [Shape; 5] {
            [
                traced::<Laser<M>>,
                traced::<Option<Vec<M>>>,
                traced::<HashMap<String, Box<M>>>,
                traced::<(NonZeroU32, (PathBuf, Result<(), M>))>,
                traced::<Result<Result<u8, Option<Laser<M>>>, String>>,
            ]
        }
        let changes = [
            ("variant renamed", inside::<Renamed>()),
            ("variants reordered", inside::<Reordered>()),
            ("variant added", inside::<More>()),
            ("payload widened", inside::<Payload>()),
            ("payload removed", inside::<PayloadGone>()),
            ("variant's field renamed", inside::<Field>()),
            ("variant's field narrowed", inside::<FieldWidth>()),
            ("tuple variant longer", inside::<Longer>()),
            ("last element's sign", inside::<LastWidth>()),
        ];
        for (change, changed) in changes {
            for (one, other) in inside::<Same>().into_iter().zip(changed) {
                check_differ(&[(change, one, other)]);
            }
        }
    }

    #[test]
    fn a_change_of_a_type_shows() {
        #[derive(Deserialize)]
        #[serde(rename = "S")]
        struct One {
            a: i32,
        }
        #[derive(Deserialize)]
        #[serde(rename = "S")]
        struct Two {
            a: i32,
            b: i32,
        }
        #[derive(Deserialize)]
        #[serde(rename = "S")]
        struct Other {
            b: i32,
        }
        #[derive(Deserialize)]
        #[serde(rename = "S")]
        struct Skipping {
            a: i32,
            #[serde(skip)]
            b: i32,
            #[serde(default)]
            c: i32,
        }
        #[derive(Deserialize)]
        #[serde(rename = "S")]
        struct TwoSwapped {
            b: i32,
            a: i32,
        }
        check_differ(&[
            ("width", traced::<i32>, traced::<i64>),
            ("sign", traced::<i32>, traced::<u32>),
            ("float", traced::<f64>, traced::<u64>),
            ("option", traced::<i32>, traced::<Option<i32>>),
            ("list", traced::<i32>, traced::<Vec<i32>>),
            ("text and bytes", traced::<String>, traced::<CString>),
            ("array and list", traced::<[u8; 4]>, traced::<Vec<u8>>),
            ("array length", traced::<[u8; 4]>, traced::<[u8; 5]>),
            ("map's key", traced::<HashMap<i32, ()>>, traced::<HashMap<i64, ()>>),
            ("map's value", traced::<HashMap<(), i32>>, traced::<HashMap<(), i64>>),
            ("map and list", traced::<HashMap<u8, u8>>, traced::<Vec<(u8, u8)>>),
            ("nesting", traced::<(u8, (u8, u8))>, traced::<((u8, u8), u8)>),
            ("field added", traced::<One>, traced::<Two>),
            ("field renamed", traced::<One>, traced::<Other>),
            ("fields swapped", traced::<Two>, traced::<TwoSwapped>),
            ("default field added", traced::<One>, traced::<Skipping>),
            ("struct renamed", traced::<base::Newtype>, traced::<(i32,)>),
            ("inner generic", traced::<Laser<Laser<u8>>>, traced::<Laser<Laser<i8>>>),
        ]);
        check(&[(traced::<Skipping>, "S#0\nstruct S#0{a:i32,c:i32}")]);
    }

    #[test]
    fn recursive_types() {
        #[derive(Deserialize)]
        struct Tree {
            value: f32,
            children: Vec<Tree>,
            parent: Option<Box<Tree>>,
            by_name: HashMap<String, Tree>,
            last: State,
        }
        #[derive(Deserialize)]
        enum State {
            New,
            Old(i32),
        }
        #[derive(Deserialize)]
        enum Expr {
            Add(Box<Expr>, Box<Expr>),
            Neg(Box<Expr>),
            Call { name: String, with: Vec<Stmt> },
            Literal(State),
        }
        #[derive(Deserialize)]
        enum Stmt {
            If(Expr, Box<Stmt>, Option<Box<Stmt>>),
            Block(Vec<Stmt>),
            Eval(Expr),
            Stop,
        }
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Nest(Vec<Nest>);
        #[derive(Deserialize)]
        struct Endless {
            again: Box<Endless>,
            more: u8,
        }
        #[derive(Deserialize)]
        enum Hopeless {
            One(Box<Hopeless>),
            Two(Box<Hopeless>, u8),
        }
        #[derive(Deserialize)]
        enum Never {}
        check(&[
            (
                traced::<Tree>,
                "Tree#0\n\
                 struct Tree#0{value:f32,children:seq<Tree#0>,parent:option<Tree#0>,\
                 by_name:map<str,Tree#0>,last:State#1}\n\
                 enum State#1{New,Old(i32)}",
            ),
            (
                traced::<Stmt>,
                "Stmt#0\n\
                 enum Stmt#0{If(Expr#1,Stmt#0,option<Stmt#0>),Block(seq<Stmt#0>),Eval(Expr#1),Stop}\n\
                 enum Expr#1{Add(Expr#1*2),Neg(Expr#1),Call{name:str,with:seq<Stmt#0>},\
                 Literal(State#2)}\n\
                 enum State#2{New,Old(i32)}",
            ),
            (traced::<Nest>, "seq<^1>"),
            (traced::<Endless>, "Endless#0\nstruct Endless#0{again:Endless#0,more:u8}"),
            (
                traced::<Option<Hopeless>>,
                "option<Hopeless#0>\nenum Hopeless#0{One(Hopeless#0),Two(Hopeless#0,?)}",
            ),
            (traced::<(Option<Never>, u8)>, "(option<Never#0>,u8)\nenum Never#0{}"),
        ]);
    }

    #[test]
    fn nested_enums_are_described_to_the_last_variant() {
        #[derive(Deserialize)]
        enum A {
            X(Option<B>),
            Y(C, Vec<B>),
        }
        #[derive(Deserialize)]
        enum B {
            P { c: Box<C> },
            Q(HashMap<C, C>),
        }
        #[derive(Deserialize, PartialEq, Eq, Hash)]
        enum C {
            L,
            M(u8),
            N { deep: Result<u16, Option<u32>> },
        }
        check(&[(
            traced::<Vec<(u8, A)>>,
            "seq<(u8,A#0)>\n\
                 enum A#0{X(option<B#1>),Y(C#2,seq<B#1>)}\n\
                 enum B#1{P{c:C#2},Q(map<C#2,C#2>)}\n\
                 enum C#2{L,M(u8),N{deep:Result#3}}\n\
                 enum Result#3{Ok(u16),Err(option<u32>)}",
        )]);
    }

    /// A string that is parsed; the tests decide which strings are accepted.
    #[derive(Debug)]
    struct Parsed<const ACCEPTED: char>;

    impl<'de, const ACCEPTED: char> Deserialize<'de> for Parsed<ACCEPTED> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match String::deserialize(deserializer)? {
                text if text.starts_with(ACCEPTED) => Ok(Parsed),
                text => Err(D::Error::custom(format_args!("{text} is not accepted"))),
            }
        }
    }

    type Url = Parsed<'h'>;
    type Nothing = Parsed<'\0'>;

    #[derive(Deserialize)]
    struct Panics(#[serde(deserialize_with = "panics")] u32);

    fn panics<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let value = u32::deserialize(deserializer)?;
        panic!("{value} was not expected");
    }

    #[test]
    fn behind_a_refused_value_the_rest_still_shows() {
        #[derive(Deserialize)]
        struct Behind<V, R> {
            first: V,
            rest: R,
            last: Option<base::Mode>,
        }
        #[derive(Deserialize)]
        #[serde(try_from = "(u8, u8, Option<base::Mode>)")]
        struct Ordered;
        impl TryFrom<(u8, u8, Option<base::Mode>)> for Ordered {
            type Error = &'static str;
            fn try_from(raw: (u8, u8, Option<base::Mode>)) -> Result<Self, Self::Error> {
                if raw.0 < raw.1 { Ok(Ordered) } else { Err("not in order") }
            }
        }
        #[derive(Deserialize)]
        #[serde(try_from = "Vec<T>", bound = "T: Deserialize<'de>")]
        struct NotEmpty<T>(PhantomData<T>);
        impl<T> TryFrom<Vec<T>> for NotEmpty<T> {
            type Error = &'static str;
            fn try_from(raw: Vec<T>) -> Result<Self, Self::Error> {
                if raw.is_empty() { Err("empty") } else { Ok(NotEmpty(PhantomData)) }
            }
        }
        #[derive(Deserialize)]
        enum Or {
            Url(Url, i8),
            Nothing(Nothing, i8),
            Panics { why: Panics, code: i8 },
            Last(i16),
        }
        const MODE: &str = "enum Mode#1{Off,Steady(u32),Pulsed{hz:f64,width:f64},Swept(u32*2)}";
        let cases: [(Shape, &str); 4] = [
            (traced::<Behind<NonZeroU32, i8>>, "first:u32,rest:i8"),
            (traced::<Behind<Url, [i8; 2]>>, "first:str,rest:(i8*2)"),
            (traced::<Behind<Nothing, u8>>, "first:str!,rest:u8"),
            (traced::<Behind<Option<Nothing>, u8>>, "first:option<str!>,rest:u8"),
        ];
        for (shape, fields) in cases {
            let head = format!("Behind#0\nstruct Behind#0{{{fields},last:option<Mode#1>}}\n{MODE}");
            check(&[(shape, &head)]);
        }
        check(&[
            (
                traced::<Behind<Panics, u8>>,
                "Behind#0\n\
                 struct Behind#0{first:Panics#1,rest:u8,last:option<Mode#2>}\n\
                 newtype Panics#1(u32!panic)\n\
                 enum Mode#2{Off,Steady(u32),Pulsed{hz:f64,width:f64},Swept(u32*2)}",
            ),
            (
                traced::<(Ordered, NotEmpty<Url>, NotEmpty<Ordered>, i16)>,
                "((u8*2,option<Mode#0>),seq<str>,seq<(u8*2,option<Mode#0>)>,i16)\n\
                 enum Mode#0{Off,Steady(u32),Pulsed{hz:f64,width:f64},Swept(u32*2)}",
            ),
            (
                traced::<Or>,
                "Or#0\n\
                 enum Or#0{Url(str,i8),Nothing(str!,?),Panics{why:Panics#1,code:i8},Last(i16)}\n\
                 newtype Panics#1(u32!panic)",
            ),
            (traced::<(u8, Nothing, u8, u8)>, "(u8,str!,?*2)"),
            (traced::<HashMap<PanicsOnKey, Vec<i8>>>, "map<u16!panic,seq<i8>>"),
            (traced::<(Vec<Nothing>, u8)>, "(seq<str!>,u8)"),
            (traced::<Nothing>, "str!"),
        ]);
    }

    #[derive(PartialEq, Eq, Hash)]
    struct PanicsOnKey;

    impl<'de> Deserialize<'de> for PanicsOnKey {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            panic!("{:?} was not expected", u16::deserialize(deserializer).is_ok());
        }
    }

    #[test]
    fn types_that_postcard_cannot_carry_are_described_partly() {
        #[derive(Deserialize)]
        struct Inner {
            b: i32,
        }
        #[derive(Deserialize)]
        struct Flat {
            a: i32,
            #[serde(flatten)]
            inner: Inner,
        }
        #[derive(Deserialize)]
        #[serde(tag = "kind")]
        enum Tagged {
            A { x: i32 },
            B,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Untagged {
            A(i32),
            B(String),
        }
        #[derive(Deserialize)]
        #[serde(tag = "kind", content = "with")]
        enum Adjacent {
            Text(String),
            Two(u8, base::Mode),
        }
        check(&[
            (traced::<Flat>, "map<identifier,any>!\nof Flat"),
            (traced::<(u8, Tagged)>, "(u8,any!)\nof (u8, Tagged)"),
            (traced::<(u8, Untagged, i8)>, "(u8,any,i8)\nof (u8, Untagged, i8)"),
            (traced::<(IgnoredAny, u8)>, "(ignored,u8)\nof (IgnoredAny, u8)"),
            (
                traced::<Option<Adjacent>>,
                "option<Adjacent#0>\n\
                 struct Adjacent#0{kind:identifier|Adjacent#1,with:any|(u8,Mode#2)}\n\
                 enum Adjacent#1{Text,Two}\n\
                 enum Mode#2{Off,Steady?,Pulsed?,Swept?}\n\
                 of Option<Adjacent>",
            ),
        ]);
    }

    /// Asks for a struct or an enum in its own way.
    macro_rules! by_hand {
        ($name:ident, $ask:ident($($arg:expr),*), $($visit:tt)*) => {
            struct $name;
            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct ByHand;
                    impl<'de> Visitor<'de> for ByHand {
                        type Value = $name;
                        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                            f.write_str("by hand")
                        }
                        $($visit)*
                    }
                    deserializer.$ask($($arg,)* ByHand)
                }
            }
        };
    }

    by_hand!(
        OnlyByName,
        deserialize_struct("OnlyByName", &["a", "b"]),
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OnlyByName, A::Error> {
            while let Some(key) = map.next_key::<String>()? {
                if key == "a" {
                    map.next_value::<i8>()?;
                } else {
                    map.next_value::<Option<base::Mode>>()?;
                }
            }
            Ok(OnlyByName)
        }
    );
    by_hand!(
        OnlyKeys,
        deserialize_struct("OnlyKeys", &["a", "b"]),
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OnlyKeys, A::Error> {
            while map.next_key::<String>()?.is_some() {}
            Ok(OnlyKeys)
        }
    );
    by_hand!(
        OnlyByIndex,
        deserialize_enum("OnlyByIndex", &["A", "B"]),
        fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<OnlyByIndex, A::Error> {
            match data.variant::<u32>()? {
                (0, variant) => variant.unit_variant()?,
                (1, variant) => _ = variant.newtype_variant::<u64>()?,
                _ => return Err(A::Error::custom("no such variant")),
            }
            Ok(OnlyByIndex)
        }
    );
    by_hand!(
        PanicsBetween,
        deserialize_tuple(2),
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<PanicsBetween, A::Error> {
            panic!("{:?} was not expected", seq.next_element::<u8>()?);
        }
    );
    by_hand!(
        Stubborn,
        deserialize_tuple(usize::MAX),
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Stubborn, A::Error> {
            while !matches!(seq.next_element::<u8>(), Ok(None)) {}
            Ok(Stubborn)
        }
    );

    #[test]
    fn implementations_by_hand() {
        check(&[
            (
                traced::<(OnlyByName, u8)>,
                "(OnlyByName#0,u8)\n\
                 struct OnlyByName#0{a:i8,b:option<Mode#1>}\n\
                 enum Mode#1{Off,Steady(u32),Pulsed{hz:f64,width:f64},Swept(u32*2)}",
            ),
            (traced::<(OnlyByIndex, u8)>, "(OnlyByIndex#0,u8)\nenum OnlyByIndex#0{A,B(u64)}"),
            (traced::<(OnlyKeys, u8)>, "(OnlyKeys#0,u8)\nstruct OnlyKeys#0{a:?,b:?}"),
            (traced::<(PanicsBetween, u8)>, "((u8,?)!panic,?)"),
        ]);
    }

    #[test]
    fn everything_is_bounded() {
        /// Twice as many nested values with every level.
        type Twice<T> = Box<(T, T, Option<T>)>;
        type Much = Twice<Twice<Twice<Twice<Twice<Twice<Twice<Twice<u8>>>>>>>>;
        #[derive(Deserialize)]
        struct TooMuch {
            values: Twice<Twice<Much>>,
            after: i8,
        }
        #[derive(Deserialize)]
        struct Large {
            values: [Box<[[u8; 32]; 32]>; 32],
            after: i8,
        }
        #[derive(Deserialize)]
        struct Odd {
            #[serde(rename = "a:i32,b\n")]
            a: u8,
        }
        check(&[
            (traced::<Odd>, "Odd#0\nstruct Odd#0{8\"a:i32,b\n\":u8}"),
            (traced::<Large>, "Large#0\nstruct Large#0{values:(((u8*32)*32)*31,?),after:i8}!limit"),
        ]);
        assert!(traced::<TooMuch>().contains("after:i8"));

        /// Twice as much text with every level.
        macro_rules! levels {
            ($inner:ident) => {};
            ($inner:ident $outer:ident $($rest:ident)*) => {
                #[derive(Deserialize)]
                #[serde(transparent)]
                struct $outer((Option<$inner>, Vec<$inner>));
                levels!($outer $($rest)*);
            };
        }
        levels!(u8 A B C D E F G H I J K L M N O P);
        let text = traced::<P>();
        assert!(text.ends_with("!limit") && text.len() < 300_000, "{} bytes", text.len());

        let stubborn = traced::<(Stubborn, u8)>();
        assert!(stubborn.starts_with("((u8*") && stubborn.len() < 100, "{stubborn}");
        assert_eq!(stubborn, traced::<(Stubborn, u8)>());
    }
}
