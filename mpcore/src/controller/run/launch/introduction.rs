//! What a child says of itself, and whether that is what its controller expects. Also sets the
//! initial values of the properties, reports what could not be compared, and has the failure of a
//! child with another protocol.

use std::sync::Arc;

use crate::controller::report::failure::RunFailure;
use crate::controller::report::outcome::{Exception, ExceptionKind};
use crate::controller::signals::notice::Notice;
use crate::controller::state::Shared;
use crate::controller::state::launcher::NotLaunched;
use crate::controller::state::posting::{enqueue_change, post};
use crate::controller::state::run::Run;
use crate::trace::event;
use crate::wire::interface::description::Facts;
use crate::wire::interface::fingerprint::{InterfaceMismatch, not_compared};
use crate::wire::messages::handshake::Introduction;
use crate::wire::packets::packet::PROTOCOL;

/// Compares the child's introduction with what is expected.
pub(super) fn recognise(
    shared: &Arc<Shared>,
    run: &Run,
    introduction: &Introduction,
) -> Result<(), NotLaunched> {
    if !shared.program.is_same_code() {
        let Some(theirs) = &introduction.facts else {
            let lie = "its introduction does not describe its interface".to_owned();
            return Err(NotLaunched::Refused(RunFailure::Broken(lie)));
        };
        compare(shared, theirs)?;
    }
    let (properties, values) = (shared.mirrors.len(), introduction.initial.len());
    if values != properties {
        let lie = format!("{values} initial values for {properties} properties");
        return Err(NotLaunched::Refused(RunFailure::Broken(lie)));
    }
    take_initial_values(shared, run, &introduction.initial);
    event!(
        DEBUG, "mpcore::run", in run.span.id(), "introduced",
        pid = introduction.pid, properties = properties as u64,
    );
    Ok(())
}

/// Compares a child's interface with the controller's.
fn compare(shared: &Arc<Shared>, theirs: &Facts) -> Result<(), NotLaunched> {
    let ours = shared.table.facts();
    let mismatch = |mismatch| Err(NotLaunched::Refused(RunFailure::Mismatch(mismatch)));
    if let Some(found) = InterfaceMismatch::between(ours, theirs) {
        return mismatch(found);
    }
    let unseen = not_compared(ours, theirs);
    if unseen.is_empty() {
        return Ok(());
    }
    if shared.options.compare_strictly {
        return mismatch(InterfaceMismatch::strictly(ours, theirs, &unseen));
    }
    // Once per interface: it would be the same for each child and each restart.
    if shared.table.is_told_first() {
        event!(
            WARN, "mpcore::run", in shared.run_span(), "interface not compared",
            interface = shared.table.interface.clone(), parts = unseen.len() as u64,
        );
        let exception = Exception {
            process: shared.name(),
            pid: shared.life().pid,
            command: None,
            call: None,
            kind: ExceptionKind::NotCompared,
            message: format!(
                "a part of `{}` could not be compared with the child's: {}; a difference there goes unnoticed, \
                 so build both programs from one version",
                shared.table.interface,
                unseen.join("; ")
            ),
            backtrace: String::new(),
        };
        post(shared, Notice::Exception(Box::new(exception)));
    }
    Ok(())
}

/// Returns the failure for a child with another protocol.
pub(super) fn other_protocol(child: u32) -> NotLaunched {
    NotLaunched::Refused(match child {
        PROTOCOL => RunFailure::Broken(format!("it refuses protocol {PROTOCOL}, which is its own")),
        _ => RunFailure::Protocol { child, controller: PROTOCOL },
    })
}

/// Sets the properties' initial values, with which every run begins. A run that is over sets none.
pub(super) fn take_initial_values(shared: &Arc<Shared>, run: &Run, initial: &[Vec<u8>]) {
    let Some(_going) = run.finished.hold() else { return };
    for (index, bytes) in initial.iter().enumerate() {
        enqueue_change(shared, index as u16, |mirror| mirror.set(bytes)).wake();
    }
    if std::mem::take(&mut shared.life().stale) {
        post(shared, Notice::Stale(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::control::Control as _;
    use crate::controller::state::run::Patience;
    use crate::fixtures::interface::builder;
    use crate::fixtures::messages::introductions;
    use crate::wire::value::codec::decode;

    #[test]
    fn a_wrong_number_of_initial_values_is_refused() {
        let control = builder().build().unwrap();
        let shared = control.__core().process().shared();
        let run = Run::new(1, Patience::OF_ONE_SYSTEM);
        let right: Introduction = decode(&introductions()[0]).unwrap();
        assert!(recognise(shared, &run, &right).is_ok());
        let (mut fewer, mut more) = (right.clone(), right);
        fewer.initial.pop();
        more.initial.push(vec![0]);
        for (introduction, count) in [(fewer, 1), (more, 3)] {
            let Err(NotLaunched::Refused(RunFailure::Broken(why))) =
                recognise(shared, &run, &introduction)
            else {
                panic!("{count} are accepted")
            };
            assert_eq!(why, format!("{count} initial values for 2 properties"));
        }
    }
}
