//! Decides the type of untyped cells under `type = "auto"` by the type that their property already has.

use super::boolean;
use super::number;
use super::source_value::Scalar;
use crate::domain::{CustomValue, DesiredCustomer, PropertyKind, RemoteCustomer, Wish};

/// Decides the type of each untyped value of a row. `kind_of` returns the kind that a property has among the existing
/// customers, and `remote` is the row's own customer. If a cell can be read as the value that this customer already has, it
/// is, so that nothing changes.
pub fn decide_types(
    desired: &mut DesiredCustomer,
    kind_of: impl Fn(&str) -> Option<PropertyKind>,
    remote: Option<&RemoteCustomer>,
) {
    for (name, wish) in &mut desired.custom_data {
        if let Wish::Untyped(cell) = wish {
            let theirs = remote.and_then(|remote| remote.property(name));
            *wish = Wish::Set(decided(cell, kind_of(name), theirs));
        }
    }
}

fn decided(
    given: &CustomValue,
    kind: Option<PropertyKind>,
    theirs: Option<&CustomValue>,
) -> CustomValue {
    let cell = &*given.to_string();
    let text = || CustomValue::Text(cell.to_owned());
    // A numeric cell of a workbook is a number unless the property has another kind.
    let own = || match given {
        CustomValue::Text(_) => by_spelling(cell),
        number => number.clone(),
    };
    let value = match kind {
        Some(PropertyKind::Text) => text(),
        Some(PropertyKind::Number) => number_of(cell).unwrap_or_else(own),
        Some(PropertyKind::Boolean) => boolean_of(cell).unwrap_or_else(own),
        None => own(),
    };
    let Some(theirs) = theirs.filter(|theirs| !value.means(theirs)) else {
        return value;
    };
    // `yes` is a boolean only if the customer has one.
    let is_boolean = matches!(theirs, CustomValue::Bool(_));
    let boolean = boolean_of(cell).filter(|_| is_boolean || is_true_or_false(cell));
    let readings = [Some(text()), Some(own()), number_of(cell), boolean];
    let same = readings
        .into_iter()
        .flatten()
        .find(|reading| reading.means(theirs));
    same.unwrap_or(value)
}

/// Reads a cell by its spelling alone: `true` and `false` in any case are booleans, a number must be in its shortest form, and
/// the rest is text.
fn by_spelling(cell: &str) -> CustomValue {
    if let Some(boolean) = boolean_of(cell).filter(|_| is_true_or_false(cell)) {
        return boolean;
    }
    number::of_untyped(cell).map_or_else(|| CustomValue::Text(cell.to_owned()), CustomValue::Number)
}

fn is_true_or_false(cell: &str) -> bool {
    cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("false")
}

/// Reads a cell of a numeric property. Here `1.50` is a number too, but `007` and `1e5` are codes.
fn number_of(cell: &str) -> Option<CustomValue> {
    let shortest = match cell.split_once('.') {
        Some((_, fraction)) if !fraction.is_empty() => {
            cell.trim_end_matches('0').trim_end_matches('.')
        }
        _ => cell,
    };
    number::of_untyped(shortest).map(CustomValue::Number)
}

fn boolean_of(cell: &str) -> Option<CustomValue> {
    let read = boolean::read(&Scalar::Text(cell.into())).ok();
    read.map(CustomValue::Bool)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Number;

    fn number(text: &str) -> CustomValue {
        CustomValue::Number(Number::parse(text).unwrap())
    }

    fn text(text: &str) -> CustomValue {
        CustomValue::Text(text.into())
    }

    #[test]
    fn a_cell_takes_the_type_of_its_property() {
        use PropertyKind::{Boolean, Number, Text};
        for (kind, cell, value) in [
            (None, "TRUE", CustomValue::Bool(true)),
            (None, "False", CustomValue::Bool(false)),
            (None, "yes", text("yes")),
            (None, "15", number("15")),
            (None, "1.50", text("1.50")),
            (None, "007", text("007")),
            (Some(Boolean), "TRUE", CustomValue::Bool(true)),
            (Some(Boolean), "0", CustomValue::Bool(false)),
            (Some(Boolean), "no", CustomValue::Bool(false)),
            (Some(Boolean), "maybe", text("maybe")),
            (Some(Text), "1", text("1")),
            (Some(Text), "TRUE", text("TRUE")),
            (Some(Number), "15", number("15")),
            (Some(Number), "1.50", number("1.5")),
            (Some(Number), "0.00", number("0")),
            (Some(Number), "007", text("007")),
            (Some(Number), "1e5", text("1e5")),
            (Some(Number), ".", text(".")),
        ] {
            assert_eq!(decided(&text(cell), kind, None), value, "{kind:?} {cell}");
        }
        let long = number("1234567890123456");
        assert_eq!(decided(&long, None, None), long);
        assert_eq!(decided(&long, Some(Number), None), long);
        assert_eq!(decided(&number("15"), Some(Text), None), text("15"));
    }

    #[test]
    fn what_the_customer_has_already_stays() {
        let kept = text("TRUE");
        let boolean = Some(PropertyKind::Boolean);
        assert_eq!(decided(&kept, boolean, Some(&kept)), kept);
        assert_eq!(
            decided(&kept, boolean, Some(&text("no"))),
            CustomValue::Bool(true)
        );
        let yes = CustomValue::Bool(true);
        assert_eq!(
            decided(&text("1"), Some(PropertyKind::Text), Some(&yes)),
            yes
        );
        assert_eq!(
            decided(&text("yes"), None, Some(&text("true"))),
            text("yes")
        );
    }

    fn kinds() -> impl Strategy<Value = Option<PropertyKind>> {
        use PropertyKind::{Boolean, Number, Text};
        prop::sample::select(vec![None, Some(Text), Some(Number), Some(Boolean)])
    }

    proptest! {
        #[test]
        fn a_value_once_written_stays_whatever_the_property_has_become(
            cell in r"\PC{1,6}|-?[0-9]{1,16}(\.[0-9]{1,6})?|[tT]rue|FALSE|[yYnN01]|007",
            first in kinds(),
            second in kinds(),
        ) {
            let written = decided(&text(&cell), first, None);
            prop_assert!(decided(&text(&cell), second, Some(&written)).means(&written));
        }
    }
}
