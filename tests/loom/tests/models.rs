//! Every model of this package. A failure prints the interleaving; `LOOM_LOG=trace` says more.

macro_rules! models {
    ($($file:ident: $($model:ident),+;)+) => {
        $(mod $file {
            $(#[test]
            fn $model() {
                loom_models::models::$file::$model();
            })+
        })+
    };
}

models! {
    cancels: a_cancel_meets_no_other_command,
        a_command_that_is_skipped_is_answered_once,
        that_one_has_met_its_cancel_is_told_of_no_other,
        a_deadline_ends_no_other_command;
    inbox: what_two_children_post_is_delivered,
        what_two_threads_post_is_delivered_a_drain_each,
        what_a_drain_inside_a_handler_swallows_is_woken_for_again,
        the_newest_value_is_delivered_in_its_place,
        who_waits_for_an_empty_inbox_is_told,
        a_relief_at_any_time_loses_nothing;
    credit: an_inbox_that_empties_gives_credit,
        the_last_notice_that_is_taken_gives_credit,
        who_begins_to_wait_gives_credit,
        one_of_two_who_wait_suffices,
        a_stop_gives_credit,
        who_waits_for_what_cannot_come_is_told;
    grant: calls_and_reports_together_tell_everything,
        what_is_withheld_goes_out_with_no_call;
    end: a_run_ends_once_and_is_silent_then,
        a_call_is_taken_out_once,
        a_call_that_comes_with_the_end_has_an_outcome;
}
