//! Names that differ so little that one may be a typing error of the other.

/// The known name nearest to a new one, where it is near enough to be meant: another case, other spaces or
/// hyphens, a plural, or one or two letters of a longer name. Of several the first.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(name);
    let scored = known
        .into_iter()
        .filter(|k| *k != name)
        .filter_map(|k| Some((distance(&folded, &fold(k))?, k)));
    let nearest = scored.min_by_key(|(distance, _)| *distance);
    nearest.map(|(_, known)| known)
}

fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn distance(a: &str, b: &str) -> Option<usize> {
    let length = a.chars().count().max(b.chars().count());
    let allowed = match length {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    };
    if a.is_empty()
        || b.is_empty()
        || length.abs_diff(a.chars().count().min(b.chars().count())) > allowed
    {
        return None;
    }
    // Digits tell names apart on purpose: `plan1` and `plan2` are no typing error.
    let digits = |s: &str| s.chars().filter(char::is_ascii_digit).collect::<String>();
    let distance = strsim::osa_distance(a, b);
    (distance <= allowed && digits(a) == digits(b)).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn typing_errors_are_near_and_other_names_are_not() {
        let known = ["Lead", "vip", "customer", "plan1"];
        assert_eq!(nearest("Leads", known), Some("Lead"));
        assert_eq!(nearest("VIP", known), Some("vip"));
        assert_eq!(nearest("custmer", known), Some("customer"));
        assert_eq!(nearest("plan2", known), None);
        assert_eq!(nearest("vid", known), None);
        assert_eq!(nearest("churned", known), None);
    }
}
