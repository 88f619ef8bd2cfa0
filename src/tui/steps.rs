//! The steps in which a person moves the ceiling: 1, 2, 5, 10, 20 … calls a second.

/// Above this, the next step is no limit at all.
const HIGHEST: f64 = 10_000.0;
const LOWEST: f64 = 0.1;

fn ladder() -> impl DoubleEndedIterator<Item = f64> {
    (-1..=4)
        .flat_map(|power| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(power)))
        .filter(|step| *step <= HIGHEST)
}

/// The step below `now`; from no limit, the one below the measured rate.
pub(super) fn slower(now: Option<f64>, measured: f64) -> f64 {
    let from = now.unwrap_or(measured);
    ladder().rev().find(|step| *step < from * 0.999).unwrap_or(LOWEST)
}

/// The step above `now`; none is no limit.
pub(super) fn faster(now: f64) -> Option<f64> {
    ladder().find(|step| *step > now * 1.001)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_one_two_five() {
        let down: Vec<String> = [45.0, 20.0, 0.1].map(|now| slower(Some(now), 0.0).to_string()).into();
        assert_eq!(down, ["20", "10", "0.1"]);
        assert_eq!([faster(45.0), faster(50.0), faster(10_000.0)], [Some(50.0), Some(100.0), None]);
    }

    #[test]
    fn the_first_step_from_no_limit_lies_below_the_measured_rate() {
        assert_eq!(slower(None, 347.2).to_string(), "200");
        assert_eq!(slower(None, 0.0).to_string(), "0.1");
    }

    #[test]
    fn down_and_up_again_ends_where_it_began() {
        let mut at = 5.0;
        for _ in 0..4 {
            at = slower(Some(at), 0.0);
        }
        for _ in 0..4 {
            at = faster(at).unwrap();
        }
        assert!((at - 5.0).abs() < 1e-9);
    }
}
