//! Every model of this package. A failure prints the interleaving; `LOOM_LOG=trace` prints more.

macro_rules! models {
    ($($file:ident: $($model:ident),+;)+) => {
        $(mod $file {
            $(#[test]
            fn $model() {
                mpcore_loom::interleavings::$file::$model();
            })+
        })+
    };
}

models! {
    cancels: a_cancel_meets_no_other_command,
        a_command_that_is_skipped_is_answered_once,
        meeting_one_cancel_meets_no_other,
        a_deadline_ends_no_other_command;
    inbox: notices_of_two_children_are_delivered,
        notices_of_two_threads_take_a_drain_each,
        a_wake_swallowed_by_a_nested_drain_is_repeated,
        the_newest_value_is_delivered_in_its_place,
        a_wait_for_an_empty_inbox_ends,
        a_relief_at_any_time_loses_nothing;
    credit: an_inbox_that_empties_gives_credit,
        the_last_notice_that_is_taken_gives_credit,
        a_beginning_wait_gives_credit,
        one_of_two_waiting_threads_suffices,
        a_stop_gives_credit,
        a_wait_that_cannot_succeed_ends;
    grant: calls_and_reports_together_convey_all_credit,
        withheld_credit_goes_out_with_no_call;
    stop: a_wait_for_the_end_sees_a_stop,
        a_wait_of_a_command_sees_its_cancel_and_a_stop;
    end: a_run_ends_once_and_is_silent_afterwards,
        a_call_is_taken_out_once,
        a_call_at_the_moment_of_the_end_has_an_outcome;
}
