//! How many connections a replica should do without, so that each carries its share.

/// What a replica carries beyond its share before it sends anybody away: a quarter, for chance alone spreads clients
/// unevenly, and some in any case.
const TOLERANCE: (usize, usize) = (4, 5);
/// How much beyond its share it keeps once it does: a twentieth.
const REST: usize = 20;
/// How many it sends away at a time: a hundredth of what it has, and some in any case. Those who are sent away are
/// served again at once, but all at once they would be a burden.
const PACE: (usize, usize) = (100, 5);

/// One replica's view of its share, from time to time.
#[derive(Debug, Default)]
pub struct Share {
    /// Whether it is sending clients away, which it does until little is left to send.
    shedding: bool,
    /// How many it sent away the last time: they may be counted nowhere yet.
    on_their_way: usize,
}

impl Share {
    /// How many connections to end now, at one of `own`; `others` are those of each other replica. Without others, and
    /// where theirs are not known (`None`), none.
    pub fn excess(&mut self, own: usize, others: Option<&[usize]>) -> usize {
        let sent = std::mem::take(&mut self.on_their_way);
        let Some(others) = others.filter(|others| !others.is_empty()) else {
            self.shedding = false;
            return 0;
        };
        let total = own + sent + others.iter().sum::<usize>();
        let share = total.div_ceil(others.len() + 1);
        let most = share + (share / TOLERANCE.0).max(TOLERANCE.1);
        let enough = share + share / REST;
        self.shedding = own > if self.shedding { enough } else { most };
        if self.shedding {
            self.on_their_way = (own - enough).min((own / PACE.0).max(PACE.1));
        }
        self.on_their_way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replicas that look at each other in turn, and clients that go to any of them, one after the other. Returns
    /// their loads in the end, and how many were sent away, after so many rounds.
    fn settle(mut loads: Vec<usize>, rounds: usize) -> (Vec<usize>, usize) {
        let mut shares: Vec<Share> = loads.iter().map(|_| Share::default()).collect();
        let (mut sent, mut next) = (0, 0);
        for _ in 0..rounds {
            for replica in 0..loads.len() {
                let others: Vec<usize> =
                    loads.iter().enumerate().filter(|(i, _)| *i != replica).map(|(_, n)| *n).collect();
                let excess = shares[replica].excess(loads[replica], Some(&others));
                loads[replica] -= excess;
                sent += excess;
                for _ in 0..excess {
                    loads[next % shares.len()] += 1;
                    next += 1;
                }
            }
        }
        (loads, sent)
    }

    #[test]
    fn nobody_is_sent_away_where_there_is_no_other_or_it_is_not_known() {
        let mut share = Share::default();
        assert_eq!([share.excess(1000, None), share.excess(1000, Some(&[]))], [0, 0]);
        assert!(share.excess(1000, Some(&[0])) > 0);
        assert_eq!(share.excess(1000, None), 0);
    }

    #[test]
    fn what_chance_does_is_let_be() {
        for (own, others) in
            [(62, &[38][..]), (1240, &[760]), (3, &[0]), (8, &[1, 2]), (0, &[1000]), (300, &[260, 340])]
        {
            assert_eq!(Share::default().excess(own, Some(others)), 0, "{own} beside {others:?}");
        }
    }

    #[test]
    fn a_replica_that_joins_soon_carries_its_share_and_all_is_quiet_then() {
        // Of those who are sent away one in so many replicas comes to the new one.
        let (loads, sent) = settle(vec![100, 0], 30);
        assert!(loads[0] <= 53 && sent <= 2 * 50, "{loads:?} after {sent}");
        assert_eq!(settle(loads.clone(), 30), (loads, 0));
        let (loads, sent) = settle(vec![5000, 5000, 0], 300);
        assert!(loads.iter().all(|n| (2900..3600).contains(n)) && sent <= 3 * 3334, "{loads:?} after {sent}");
        assert_eq!(settle(loads.clone(), 30), (loads, 0));
    }

    #[test]
    fn few_are_sent_at_a_time() {
        let mut share = Share::default();
        assert_eq!(share.excess(100, Some(&[0])), 5);
        assert_eq!(Share::default().excess(10_000, Some(&[0])), 100);
    }

    #[test]
    fn those_who_are_on_their_way_count() {
        let mut share = Share::default();
        assert_eq!(share.excess(80, Some(&[40])), 5, "a share is 60");
        assert_eq!(share.excess(75, Some(&[40])), 5);
        assert_eq!(share.excess(65, Some(&[50])), 2, "63 is enough, for 5 have yet to arrive somewhere");
        assert_eq!(share.excess(63, Some(&[57])), 0);
    }
}
