//! Credit granted to the child reaches it, with whichever packet is sent to it; credit that is
//! withheld does not.

use std::sync::Arc;
use std::time::Duration;

use loom::thread;

use super::check;
use crate::controller::flow_control::grant::{Account, Grant};
use crate::controller::model::limit::Limit;
use crate::controller::model::pending::{Entry, SharedThen};
use crate::controller::model::repeat::Repeat;
use crate::controller::model::requests::Traffic;
use crate::controller::model::supersede::Kind;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, lock};
use crate::transport::{LaneSender, SendError};
use crate::wire::packets::kinds::Lane;
use crate::wire::packets::outgoing::{QueueBound, QueuedPayload};
use crate::wire::packets::packet::Head;

const WINDOW: u32 = 16 << 10;
const HALF: u64 = WINDOW as u64 / 2;

/// The child's side of a lane: the newest total it knows.
#[derive(Default)]
struct Child {
    credit: AtomicU64,
}

impl LaneSender for Child {
    fn send(&self, packet: &[u8]) -> Result<(), SendError> {
        let (head, _) = Head::parse(packet, 1, Lane::Requests).expect("a packet of ours");
        self.credit.fetch_max(head.consumed, Ordering::SeqCst);
        Ok(())
    }
}

/// Reads a packet with this charge, and sends the credit to the child if that is due, like
/// `ControlLane`.
fn read(account: &Mutex<Account>, child: &Child, charge: u64, grant: bool) {
    let mut account = lock(account);
    if account.read(charge, grant).expect("it has kept to its credit") {
        tell(account.grant(), child);
    }
}

fn tell(grant: &Grant, child: &Child) {
    let total = grant.granted();
    grant.told(total);
    child.credit.fetch_max(total, Ordering::SeqCst);
}

/// While the reader grants, calls go out that carry the credit granted so far. In the end the child
/// lacks less than half a window, so it has credit for any packet or none outstanding.
pub fn calls_and_reports_together_convey_all_credit() {
    check(2, || {
        let child = Arc::new(Child::default());
        let account = Mutex::new(Account::new(WINDOW));
        let grant = Arc::clone(account.lock().unwrap().grant());
        let mut traffic =
            Traffic::new(QueueBound { entries: 10, bytes: 1 << 20 }, Duration::from_secs(1));
        traffic.open_lane(child.clone(), 1, Arc::clone(&grant), WINDOW, Vec::new());
        let caller = thread::spawn(move || {
            for _ in 0..2 {
                let (reply, _) = oneshot::channel();
                let call = traffic.next_call();
                let entry = Entry {
                    command: 0,
                    reply,
                    then: SharedThen::new(Mutex::default()),
                    limit: Limit::default(),
                    repeat: Repeat::never(),
                };
                assert!(
                    traffic
                        .submit(call, Kind::Command, entry, QueuedPayload::Ready(Vec::new()))
                        .is_ok()
                );
            }
        });
        let mut consumed = 0;
        for charge in [HALF - 1, 2, HALF - 1] {
            read(&account, &child, charge, true);
            consumed += charge;
        }
        caller.join().unwrap();
        let known = child.credit.load(Ordering::SeqCst);
        assert!(known <= consumed, "more than there is: {known} of {consumed}");
        assert!(
            consumed - known < HALF,
            "it waits for credit that is never sent: {known} of {consumed}"
        );
    });
}

/// Withheld credit is not sent with any call.
pub fn withheld_credit_goes_out_with_no_call() {
    check(2, || {
        let child = Arc::new(Child::default());
        let account = Arc::new(Mutex::new(Account::new(WINDOW)));
        let grant = Arc::clone(account.lock().unwrap().grant());
        let caller = {
            let (grant, child) = (Arc::clone(&grant), Arc::clone(&child));
            thread::spawn(move || tell(&grant, &child))
        };
        read(&account, &child, 10, true);
        read(&account, &child, HALF, false);
        caller.join().unwrap();
        tell(&grant, &child);
        assert_eq!(child.credit.load(Ordering::SeqCst), 10);
        assert!(lock(&account).give());
        tell(&grant, &child);
        assert_eq!(child.credit.load(Ordering::SeqCst), 10 + HALF);
    });
}
