//! Leases are claimed, renewed, held against others and released, in every backend.

use super::*;

fn under(lease: Lease) -> Row {
    Row { lease: Some(lease), ..stored(&kept("a")) }
}

fn claimed(lease: Lease) -> Claim {
    Claim::Claimed(Box::new(under(lease)))
}

fn held(lease: Lease) -> Claim {
    Claim::Held(Box::new(under(lease)))
}

contract! {
    async fn a_claim_of_nothing_makes_nothing(test: &TestStore) {
        assert_eq!(test.claim("a", &lease("me", 30)).await, Claim::NoRow);
        test.store.release(&key("a"), &owner("me")).await.unwrap();
        assert_eq!(test.row("a").await, None);
    }

    async fn a_free_row_is_claimed_and_shown_as_it_stands(test: &TestStore) {
        test.put(&kept("a")).await;
        assert_eq!(test.claim("a", &lease("me", 30)).await, claimed(lease("me", 30)));
        assert_eq!(test.row("a").await, Some(under(lease("me", 30))));
    }

    async fn a_row_in_any_state_is_claimed(test: &TestStore) {
        use record::State::{Blocked, Dead, Live, Pending, Revoking, Tombstone};
        for state in [Live, Dead, Blocked, Revoking, Pending, Tombstone] {
            let name = format!("{state:?}");
            test.put(&NewRow { state, ..kept(&name) }).await;
            let claim = test.claim(&name, &lease("me", 30)).await;
            assert!(matches!(&claim, Claim::Claimed(row) if row.state == state), "{name}: {claim:?}");
        }
    }

    async fn a_lease_that_runs_keeps_others_out(test: &TestStore) {
        test.put(&kept("a")).await;
        test.claim("a", &lease("me", 30)).await;
        assert_eq!(test.claim("a", &lease("you", 40)).await, held(lease("me", 30)));
        assert_eq!(test.row("a").await, Some(under(lease("me", 30))));
    }

    async fn its_own_owner_renews_a_lease_that_runs_or_has_run_out(test: &TestStore) {
        test.put(&kept("a")).await;
        for until in [30, 40, -10, 20] {
            assert_eq!(test.claim("a", &lease("me", until)).await, claimed(lease("me", until)));
        }
    }

    async fn a_lease_ends_at_its_very_moment(test: &TestStore) {
        test.put(&kept("a")).await;
        test.claim("a", &lease("me", 30)).await;
        let claim = async |now| {
            let window = LeaseWindow { now, latest_end: at(100) };
            test.store.claim(&key("a"), &lease("you", 60), window, &OpenAttempt::Respect).await.unwrap()
        };
        assert_eq!(claim(at(30) - Duration::from_millis(1)).await, held(lease("me", 30)));
        assert_eq!(claim(at(30)).await, claimed(lease("you", 60)));
    }

    async fn a_lease_past_the_horizon_is_of_a_clock_set_back_and_counts_as_ended(test: &TestStore) {
        test.put(&kept("a")).await;
        test.claim("a", &lease("me", 30)).await;
        let claim = async |latest_end| {
            let window = LeaseWindow { now: at(0), latest_end };
            test.store.claim(&key("a"), &lease("you", 20), window, &OpenAttempt::Respect).await.unwrap()
        };
        assert_eq!(claim(at(30)).await, held(lease("me", 30)));
        assert_eq!(claim(at(30) - Duration::from_millis(1)).await, claimed(lease("you", 20)));
    }

    async fn an_open_attempt_keeps_others_out_whatever_its_lease_says(test: &TestStore) {
        let row = test.attempted("a", "me", 30).await;
        for until in [30, -10, 1_000_000] {
            test.claim("a", &lease("me", until)).await;
            let there = Row { lease: Some(lease("me", until)), ..row.clone() };
            let claim = async |attempt| test.store.claim(&key("a"), &lease("you", 60), SPAN, &attempt).await.unwrap();
            assert_eq!(claim(OpenAttempt::Respect).await, Claim::Held(Box::new(there.clone())));
            assert_eq!(claim(OpenAttempt::TakeOver(owner("her"))).await, Claim::Held(Box::new(there.clone())));
            assert_eq!(test.row("a").await, Some(there));
        }
        test.store.release(&key("a"), &owner("me")).await.unwrap();
        assert_eq!(test.claim("a", &lease("you", 60)).await, Claim::Held(Box::new(Row { lease: None, ..row })));
    }

    async fn the_attempt_that_is_named_is_taken_over_with_its_lease_and_stays_open(test: &TestStore) {
        let take_over = OpenAttempt::TakeOver(owner("me"));
        for until in [30, -10, 1_000_000] {
            let name = until.to_string();
            let row = test.attempted(&name, "me", until).await;
            let taken = Row { lease: Some(lease("you", 60)), ..row };
            let claim = test.store.claim(&key(&name), &lease("you", 60), SPAN, &take_over).await.unwrap();
            assert_eq!(claim, Claim::Claimed(Box::new(taken.clone())));
            // A third process that tries to take over the same attempt is too late.
            let claim = test.store.claim(&key(&name), &lease("her", 60), SPAN, &take_over).await.unwrap();
            assert_eq!(claim, Claim::Held(Box::new(taken.clone())));
            assert_eq!(test.row(&name).await, Some(taken));
        }
    }

    async fn a_take_over_of_what_is_closed_by_now_is_an_ordinary_claim(test: &TestStore) {
        let take_over = OpenAttempt::TakeOver(owner("me"));
        test.put(&kept("a")).await;
        test.claim("a", &lease("her", 30)).await;
        let claim = async || test.store.claim(&key("a"), &lease("you", 60), SPAN, &take_over).await.unwrap();
        assert_eq!(claim().await, held(lease("her", 30)));
        test.store.release(&key("a"), &owner("her")).await.unwrap();
        assert_eq!(claim().await, claimed(lease("you", 60)));
    }

    async fn a_lease_is_given_back_by_its_owner_alone_and_never_with_the_attempt(test: &TestStore) {
        let row = kept("a");
        test.put(&row).await;
        test.claim("a", &lease("me", 30)).await;
        test.store.swap(&row.key, &untouched(&row), &begin_attempt(&row, "me")).await.unwrap();
        test.store.release(&row.key, &owner("you")).await.unwrap();
        assert_eq!(test.row("a").await.unwrap().lease, Some(lease("me", 30)));
        for time in ["once", "twice"] {
            test.store.release(&row.key, &owner("me")).await.unwrap();
            let free = Row { attempt: Some(owner("me")), ..stored(&row) };
            assert_eq!(test.row("a").await, Some(free), "{time}");
        }
    }

    async fn a_lease_does_not_move_the_limits_of_a_mint_record(test: &TestStore) {
        test.put(&minted("a", 10, 20)).await;
        test.claim("a", &lease("me", 30)).await;
        assert_eq!(test.row("a").await.unwrap().limits, minted("a", 10, 20).limits);
        test.store.sweep(at(10)).await.unwrap();
        assert_eq!(test.row("a").await, None);
    }

    async fn of_many_who_claim_at_once_over_two_connections_one_wins(test: &TestStore) {
        let second = test.second().await;
        for round in 0..8 {
            let row = kept(&round.to_string());
            test.put(&row).await;
            let claims = (0..16).map(|number| {
                let store = Arc::clone(if number % 2 == 0 { &test.store } else { &second });
                let (key, lease) = (row.key.clone(), lease(&number.to_string(), 30));
                async move { store.claim(&key, &lease, SPAN, &OpenAttempt::Respect).await.unwrap() }
            });
            let answers = at_once(claims).await;
            let stands = test.row(&row.key.0).await.unwrap();
            let (winners, losers): (Vec<_>, Vec<_>) =
                answers.into_iter().partition(|answer| matches!(answer, Claim::Claimed(_)));
            assert_eq!(winners, [Claim::Claimed(Box::new(stands.clone()))]);
            assert_eq!(losers, vec![Claim::Held(Box::new(stands)); 15]);
        }
    }
}
