use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use super::Endpoint;
use crate::domain::{RemoteCustomer, Reported};

/// Whether answers show tags and custom data, by kind of answer. Whether an answer leaves out a member that is empty is
/// not documented. It is known once answers of a kind have shown the member with content and never empty: a customer in
/// such an answer that lacks the member has none.
#[derive(Debug, Clone, Default)]
pub(super) struct ShownMembers(Arc<AtomicU16>);

/// The bits of tags and custom data that an answer of this kind sets.
#[derive(Debug, Clone, Copy)]
struct AnswerKind(u32);

impl AnswerKind {
    /// `None`: an answer to a write, which may show only what the write named.
    fn of(endpoint: Endpoint) -> Option<Self> {
        match endpoint {
            Endpoint::List => Some(Self(0)),
            Endpoint::Search => Some(Self(4)),
            Endpoint::Get => Some(Self(8)),
            _ => None,
        }
    }
}

/// The members' places among the bits of a kind: shown with content, and the next one: shown empty.
const TAGS: u32 = 0;
const CUSTOM_DATA: u32 = 2;

impl ShownMembers {
    /// All that is known, to be kept for later runs.
    pub(super) fn bits(&self) -> u16 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add_bits(&self, bits: u16) {
        self.0.fetch_or(bits, Ordering::Relaxed);
    }

    /// Learns from the customers of one answer, and sets what they lack to empty where that is what it means.
    pub(super) fn complete(&self, endpoint: Endpoint, customers: &mut [RemoteCustomer]) {
        let Some(kind) = AnswerKind::of(endpoint) else {
            return;
        };
        for customer in &*customers {
            let tags = is_empty(&customer.tags, Vec::is_empty);
            let has_opaque = !customer.opaque.is_empty();
            let custom_data = is_empty(&customer.custom_data, |p| p.is_empty() && !has_opaque);
            self.learn(kind, TAGS, tags);
            self.learn(kind, CUSTOM_DATA, custom_data);
        }
        let (no_tags, no_custom_data) = (self.omits(kind, TAGS), self.omits(kind, CUSTOM_DATA));
        for customer in customers {
            if no_tags && customer.tags == Reported::Missing {
                customer.tags = Reported::Value(Vec::new());
            }
            if no_custom_data && customer.custom_data == Reported::Missing {
                customer.custom_data = Reported::Value(Default::default());
            }
        }
    }

    fn learn(&self, kind: AnswerKind, member: u32, is_empty: Option<bool>) {
        if let Some(is_empty) = is_empty {
            self.add_bits(1 << (kind.0 + member + u32::from(is_empty)));
        }
    }

    /// Whether answers of this kind leave the member out where it is empty. A single customer shows at least as much as
    /// one in a list.
    fn omits(&self, kind: AnswerKind, member: u32) -> bool {
        let bits = self.bits();
        let has = |kind: u32, is_empty: u32| bits & (1 << (kind + member + is_empty)) != 0;
        match Some(kind.0) == AnswerKind::of(Endpoint::Get).map(|get| get.0) {
            true => (0..3).any(|n| has(4 * n, 0)) && !(0..3).any(|n| has(4 * n, 1)),
            false => has(kind.0, 0) && !has(kind.0, 1),
        }
    }
}

/// Says where answers leave out tags and custom data that are empty, a line for each of the two. `bits`: what
/// [`ReadClient::shown_members`](super::ReadClient::shown_members) returns.
#[must_use]
pub fn describe_members(bits: u16) -> Vec<String> {
    let shown = ShownMembers::default();
    shown.add_bits(bits);
    let kinds = [
        (Endpoint::List, "lists"),
        (Endpoint::Search, "searches"),
        (Endpoint::Get, "single customers"),
    ];
    let line = |(member, name): (u32, &str)| {
        let where_it_is = |is_in: &dyn Fn(AnswerKind) -> bool| -> String {
            let kinds = kinds
                .iter()
                .filter(|(endpoint, _)| AnswerKind::of(*endpoint).is_some_and(is_in));
            kinds.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
        };
        let left_out = where_it_is(&|kind| shown.omits(kind, member));
        let present = where_it_is(&|kind| bits & (1 << (kind.0 + member + 1)) != 0);
        let found = match (left_out.as_str(), present.as_str()) {
            ("", "") => "not seen yet".to_owned(),
            ("", present) => format!("shown in {present}"),
            (left_out, "") => format!("left out of {left_out}"),
            (left_out, present) => format!("left out of {left_out}; shown in {present}"),
        };
        format!("{name}: {found}")
    };
    [
        (TAGS, "tags that are empty"),
        (CUSTOM_DATA, "custom data that is empty"),
    ]
    .map(line)
    .to_vec()
}

/// Whether a member that was shown is empty. `None` if it was not shown.
fn is_empty<T>(member: &Reported<T>, test: impl Fn(&T) -> bool) -> Option<bool> {
    match member {
        Reported::Value(value) => Some(test(value)),
        Reported::Missing | Reported::Unreadable => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::helpcrunch::decode_customer;

    fn customers<const N: usize>(bodies: [&str; N]) -> [RemoteCustomer; N] {
        bodies.map(|body| decode_customer(body.as_bytes()).unwrap())
    }

    const BARE: &str = r#"{"id":1}"#;
    const FULL: &str = r#"{"id":2,"tags":[{"name":"a"}],"customData":{"p":1}}"#;
    const EMPTY: &str = r#"{"id":3,"tags":[],"customData":{}}"#;

    #[test]
    fn a_member_that_others_show_is_empty_where_it_is_left_out() {
        let shown = ShownMembers::default();
        let mut bare = customers([BARE]);
        shown.complete(Endpoint::List, &mut bare);
        assert!(!bare[0].is_complete(), "nothing is known yet");
        let mut page = customers([BARE, FULL]);
        shown.complete(Endpoint::List, &mut page);
        assert!(page[0].is_complete());
        // A search need not show what a listing shows, but a single customer does.
        for (endpoint, is_complete) in [(Endpoint::Search, false), (Endpoint::Get, true)] {
            let mut bare = customers([BARE]);
            shown.complete(endpoint, &mut bare);
            assert_eq!(bare[0].is_complete(), is_complete, "{endpoint:?}");
        }
        let later = ShownMembers::default();
        later.add_bits(shown.bits());
        later.complete(Endpoint::List, &mut bare);
        assert!(bare[0].is_complete());
    }

    #[test]
    fn where_empty_members_are_shown_a_missing_one_is_unknown() {
        let shown = ShownMembers::default();
        let mut page = customers([BARE, FULL, EMPTY]);
        shown.complete(Endpoint::Get, &mut page);
        assert!(!page[0].is_complete());
    }

    #[test]
    fn what_cannot_be_read_and_answers_to_writes_stay_unknown() {
        let shown = ShownMembers::default();
        shown.complete(Endpoint::Get, &mut customers([FULL]));
        let mut odd = customers([r#"{"id":1,"tags":7,"customData":[1]}"#]);
        shown.complete(Endpoint::Get, &mut odd);
        assert!(!odd[0].tags.is_reported() && !odd[0].custom_data.is_reported());
        let mut bare = customers([BARE]);
        shown.complete(Endpoint::Patch, &mut bare);
        assert!(!bare[0].is_complete());
    }

    #[test]
    fn what_is_known_is_said_by_member() {
        let shown = ShownMembers::default();
        let unknown = [
            "tags that are empty: not seen yet",
            "custom data that is empty: not seen yet",
        ];
        assert_eq!(describe_members(shown.bits()), unknown);
        shown.complete(Endpoint::List, &mut customers([FULL]));
        let bare = r#"{"id":2,"customData":{}}"#;
        shown.complete(Endpoint::Search, &mut customers([bare]));
        let known = [
            "tags that are empty: left out of lists, single customers",
            "custom data that is empty: left out of lists; shown in searches",
        ];
        assert_eq!(describe_members(shown.bits()), known);
    }
}
