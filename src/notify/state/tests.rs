use time::macros::datetime;

use super::*;

const START: OffsetDateTime = datetime!(2026-11-24 08:00 UTC);

fn minutes(minutes: i64) -> OffsetDateTime {
    START + Duration::minutes(minutes)
}

fn seen(condition: Condition) -> Observation {
    Observation { connection_id: "c1".to_owned(), condition, urgency: Urgency::None, changes_at: None }
}

fn near(urgency: Urgency) -> Observation {
    Observation { urgency, ..seen(Condition::Working) }
}

/// Delivers the pending event, if there is one, and returns its name.
fn deliver(state: NotificationState) -> (NotificationState, Option<&'static str>) {
    let name = state.pending.as_ref().map(|pending| pending.event.name());
    (state.reported(), name)
}

fn told(state: &mut NotificationState, seen: &Observation, at: OffsetDateTime) -> Option<&'static str> {
    let (settled, name) = deliver(std::mem::take(state).advance(seen, at));
    *state = settled;
    name
}

#[test]
fn each_threshold_is_told_once() {
    let mut state = NotificationState::default();
    assert_eq!(told(&mut state, &near(Urgency::None), minutes(0)), None);
    assert_eq!(told(&mut state, &near(Urgency::Soon), minutes(1)), Some("log-in-soon"));
    assert_eq!(told(&mut state, &near(Urgency::Soon), minutes(2)), None);
    assert_eq!(told(&mut state, &near(Urgency::Urgent), minutes(3)), Some("log-in-soon"));
    assert_eq!(told(&mut state, &near(Urgency::Urgent), minutes(4)), None);
    let renewed = Observation { connection_id: "c2".to_owned(), ..near(Urgency::Soon) };
    assert_eq!(told(&mut state, &renewed, minutes(5)), Some("log-in-soon"));
}

#[test]
fn an_end_is_told_once_and_a_new_login_after_ten_minutes() {
    let mut state = NotificationState::default();
    assert_eq!(told(&mut state, &seen(Condition::LogInAgain), minutes(0)), Some("log-in-again"));
    assert_eq!(told(&mut state, &seen(Condition::LogInAgain), minutes(60)), None);
    let renewed = Observation { connection_id: "c2".to_owned(), ..seen(Condition::Working) };
    assert_eq!(told(&mut state, &renewed, minutes(61)), None);
    assert_eq!(told(&mut state, &renewed, minutes(70)), None);
    assert_eq!(told(&mut state, &renewed, minutes(71)), Some("recovered"));
    assert_eq!(told(&mut state, &renewed, minutes(99)), None);
}

#[test]
fn the_end_of_a_new_login_is_told_too_and_never_twice() {
    let mut state = NotificationState::default();
    assert_eq!(told(&mut state, &seen(Condition::LogInAgain), minutes(0)), Some("log-in-again"));
    assert_eq!(told(&mut state, &seen(Condition::Working), minutes(1)), None, "it came back by itself");
    assert_eq!(told(&mut state, &seen(Condition::LogInAgain), minutes(2)), None);
    let renewed = Observation { connection_id: "c2".to_owned(), ..seen(Condition::LogInAgain) };
    assert_eq!(told(&mut state, &renewed, minutes(3)), Some("log-in-again"));
    assert_eq!(told(&mut state, &renewed, minutes(4)), None);
}

#[test]
fn a_block_is_told_after_ten_minutes_and_short_ones_are_not() {
    let mut state = NotificationState::default();
    let blocked = seen(Condition::Blocked { since: minutes(0) });
    assert_eq!(told(&mut state, &blocked, minutes(9)), None);
    assert_eq!(told(&mut state, &seen(Condition::Working), minutes(10)), None);
    let again = seen(Condition::Blocked { since: minutes(11) });
    assert_eq!(told(&mut state, &again, minutes(21)), Some("blocked"));
    assert_eq!(told(&mut state, &seen(Condition::Working), minutes(22)), None);
    assert_eq!(told(&mut state, &seen(Condition::Failing), minutes(31)), None, "that restarts the ten minutes");
    assert_eq!(told(&mut state, &seen(Condition::Working), minutes(33)), None);
    assert_eq!(told(&mut state, &seen(Condition::Working), minutes(43)), Some("recovered"));
}

#[test]
fn an_event_that_is_no_longer_true_is_dropped_unless_it_may_have_arrived() {
    let dead = NotificationState::default().advance(&seen(Condition::LogInAgain), minutes(0));
    let mut unsent = dead.clone();
    assert_eq!(told(&mut unsent, &seen(Condition::Working), minutes(1)), None);
    assert_eq!(told(&mut unsent, &seen(Condition::Working), minutes(30)), None);
    let mut tried = dead.failed(minutes(0));
    assert_eq!(told(&mut tried, &seen(Condition::Working), minutes(1)), None);
    assert_eq!(told(&mut tried, &seen(Condition::Working), minutes(30)), Some("recovered"));
}

#[test]
fn retries_back_off_from_ten_seconds_to_an_hour_and_keep_the_id() {
    let mut state = NotificationState::default().advance(&seen(Condition::LogInAgain), START);
    let id = state.pending.as_ref().map(|pending| pending.id.clone());
    let mut pauses = Vec::new();
    for _ in 0..12 {
        state = state.failed(START);
        pauses.extend(state.pending.as_ref().map(|pending| (pending.next_try - START).whole_seconds()));
        state = state.advance(&seen(Condition::LogInAgain), START);
    }
    assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
    assert_eq!(state.pending.as_ref().map(|pending| pending.id.clone()), id);
    assert!(state.pending.is_some_and(|pending| pending.is_given_up(START + Duration::days(3))));
}

#[test]
fn a_state_is_read_as_it_was_written() {
    let state = NotificationState::default().advance(&seen(Condition::LogInAgain), START).claimed_by("p1");
    assert_eq!(NotificationState::read(&state.to_json()), state);
    assert_eq!(NotificationState::read("{}"), NotificationState::default());
}

#[test]
fn nothing_is_noted_of_a_connection_that_has_nothing_to_report() {
    let before = NotificationState::default();
    let working = before.clone().advance(&seen(Condition::Working), minutes(0));
    assert!(!working.is_news(&before));
    let ended = before.clone().advance(&seen(Condition::LogInAgain), minutes(0));
    assert!(ended.is_news(&before));
    let renewed = Observation { connection_id: "c2".to_owned(), ..seen(Condition::Working) };
    assert!(ended.reported().advance(&renewed, minutes(1)).is_news(&NotificationState::default()));
}

#[test]
fn it_is_quiet_until_time_makes_a_difference_and_never_while_something_is_pending() {
    let quiet = |state: &NotificationState, seen: &Observation| state.quiet_until(seen, minutes(0));
    let state = NotificationState::default().advance(&seen(Condition::Working), minutes(0));
    assert_eq!(quiet(&state, &seen(Condition::Working)), Some(minutes(60)));
    let soon = Observation { changes_at: Some(minutes(7)), ..seen(Condition::Working) };
    assert_eq!(quiet(&state, &soon), Some(minutes(7)));
    let blocked = seen(Condition::Blocked { since: minutes(-5) });
    assert_eq!(quiet(&state, &blocked), Some(minutes(5)));
    let ended = state.advance(&seen(Condition::LogInAgain), minutes(0));
    assert_eq!(quiet(&ended, &seen(Condition::LogInAgain)), None);
}
