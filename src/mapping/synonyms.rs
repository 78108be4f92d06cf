//! What people call the API's fields in the headers of their files. For proposals only: a sync takes no column for
//! a field unless its name is the field's own.

use crate::domain::Field;

/// Names without anything but letters and digits, in lower case.
const FIELDS: &[(Field, &[&str])] = &[
    (
        Field::UserId,
        &[
            "userid",
            "externalid",
            "extid",
            "customerid",
            "clientid",
            "crmid",
            "contactid",
            "memberid",
            "uid",
            "uuid",
            "customernumber",
            "customerno",
            "kundennummer",
            "kundennr",
            "kundenid",
            "benutzerid",
            "idклієнта",
            "кодклієнта",
            "номерклієнта",
            "idклиента",
            "кодклиента",
            "номерклиента",
            "numéroclient",
            "idclient",
            "idcliente",
            "numerklienta",
            "idklienta",
            "ідентифікатор",
            "идентификатор",
            "identifiant",
            "identificador",
            "identyfikator",
        ],
    ),
    (
        Field::Email,
        &[
            "email",
            "mail",
            "emailaddress",
            "mailaddress",
            "emailaddr",
            "primaryemail",
            "contactemail",
            "workemail",
            "emailadresse",
            "mailadresse",
            "електроннапошта",
            "пошта",
            "емейл",
            "имейл",
            "эмейл",
            "почта",
            "электроннаяпочта",
            "courriel",
            "adressemail",
            "adresseemail",
            "correo",
            "correoelectrónico",
            "adresemail",
        ],
    ),
    (
        Field::Name,
        &[
            "name",
            "fullname",
            "customername",
            "clientname",
            "contactname",
            "displayname",
            "contact",
            "kundenname",
            "ansprechpartner",
            "vollständigername",
            "імя",
            "піб",
            "повнеімя",
            "имя",
            "фио",
            "полноеимя",
            "nomcomplet",
            "nombrecompleto",
            "nombre",
            "imięinazwisko",
            "vollername",
        ],
    ),
    (
        Field::Company,
        &[
            "company",
            "companyname",
            "organization",
            "organisation",
            "organizationname",
            "organisationname",
            "accountname",
            "business",
            "businessname",
            "firma",
            "firmenname",
            "unternehmen",
            "компанія",
            "організація",
            "компания",
            "организация",
            "entreprise",
            "société",
            "empresa",
            "firmaunternehmen",
            "nazwafirmy",
        ],
    ),
    (
        Field::Phone,
        &[
            "phone",
            "phonenumber",
            "mobile",
            "mobilephone",
            "mobilenumber",
            "cell",
            "cellphone",
            "telephone",
            "tel",
            "telefon",
            "telefonnummer",
            "handy",
            "handynummer",
            "mobil",
            "mobiltelefon",
            "телефон",
            "номертелефону",
            "мобільний",
            "мобільнийтелефон",
            "номертелефона",
            "мобильный",
            "téléphone",
            "numérodetéléphone",
            "portable",
            "teléfono",
            "móvil",
            "numertelefonu",
            "komórka",
        ],
    ),
    (
        Field::FirstSeen,
        &[
            "firstseen",
            "createdat",
            "created",
            "createdate",
            "createddate",
            "creationdate",
            "datecreated",
            "signedup",
            "signedupat",
            "signupdate",
            "signup",
            "registered",
            "registeredat",
            "registrationdate",
            "joined",
            "joinedat",
            "customersince",
            "erstelltam",
            "angelegtam",
            "registriertam",
            "registrierungsdatum",
            "kundeseit",
            "датареєстрації",
            "зареєстрований",
            "створено",
            "датастворення",
            "датарегистрации",
            "создан",
            "датасоздания",
            "crééle",
            "datedinscription",
            "datedecréation",
            "inscritle",
            "fechadealta",
            "fechaderegistro",
            "datarejestracji",
        ],
    ),
    (
        Field::LastSeen,
        &[
            "lastseen",
            "lastactivity",
            "lastactive",
            "lastactiveat",
            "lastlogin",
            "lastloginat",
            "lastvisit",
            "letzteranmeldung",
            "letzteaktivität",
            "letzterbesuch",
            "zuletztgesehen",
            "останняактивність",
            "останнійвхід",
            "останнійвізит",
            "последняяактивность",
            "последнийвход",
            "последнийвизит",
            "dernièreconnexion",
            "dernièreactivité",
            "dernièrevisite",
            "últimaconexión",
        ],
    ),
    (
        Field::Unsubscribed,
        &[
            "unsubscribed",
            "optout",
            "optedout",
            "emailoptout",
            "abgemeldet",
            "newsletterabbestellt",
            "newsletterabgemeldet",
            "відписаний",
            "відписався",
            "відписка",
            "отписан",
            "отписался",
            "désabonné",
            "désinscrit",
            "debaja",
        ],
    ),
    (
        Field::Blocked,
        &[
            "blocked",
            "banned",
            "gesperrt",
            "заблокований",
            "заблокирован",
            "bloqué",
            "blockiert",
        ],
    ),
    (
        Field::Source,
        &[
            "source",
            "leadsource",
            "utmsource",
            "quelle",
            "herkunft",
            "джерело",
            "источник",
            "origine",
            "origen",
            "źródło",
        ],
    ),
    (
        Field::Referer,
        &["referer", "referrer", "referrerurl", "refererurl"],
    ),
    (Field::LastPage, &["lastpage", "lastpageurl"]),
    (
        Field::Locale,
        &[
            "locale",
            "language",
            "lang",
            "preferredlanguage",
            "sprache",
            "мова",
            "язык",
            "langue",
            "idioma",
            "język",
        ],
    ),
    (
        Field::Notes,
        &[
            "notes",
            "note",
            "comment",
            "comments",
            "remark",
            "remarks",
            "notiz",
            "notizen",
            "bemerkung",
            "bemerkungen",
            "kommentar",
            "нотатки",
            "примітка",
            "примітки",
            "коментар",
            "заметки",
            "примечание",
            "комментарий",
            "remarque",
            "remarques",
            "commentaire",
            "notas",
            "observaciones",
            "notatki",
            "uwagi",
        ],
    ),
];

const FIRST_NAMES: &[&str] = &[
    "firstname",
    "givenname",
    "forename",
    "vorname",
    "prénom",
    "imię",
];
const LAST_NAMES: &[&str] = &[
    "lastname",
    "surname",
    "familyname",
    "nachname",
    "familienname",
    "прізвище",
    "фамилия",
    "apellidos",
    "nazwisko",
];
const TAGS: &[&str] = &[
    "tags",
    "tag",
    "labels",
    "label",
    "segments",
    "schlagwort",
    "schlagwörter",
    "schlagworte",
    "stichworte",
    "теги",
    "мітки",
    "метки",
    "étiquettes",
    "etiquetas",
    "tagi",
    "etykiety",
];
/// What HelpCrunch says of a customer and nobody can write.
const READ_ONLY: &[&str] = &["createdFrom", "integrationId", "location", "device"];

fn folded(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// The field that a column of this name holds, as far as a name can tell.
pub(super) fn field(column: &str) -> Option<Field> {
    let name = folded(column);
    let named = FIELDS
        .iter()
        .find(|(_, names)| names.contains(&name.as_str()));
    named.map(|(field, _)| *field)
}

pub(super) fn is_first_name(column: &str) -> bool {
    FIRST_NAMES.contains(&folded(column).as_str())
}

pub(super) fn is_last_name(column: &str) -> bool {
    LAST_NAMES.contains(&folded(column).as_str())
}

pub(super) fn is_tags(column: &str) -> bool {
    TAGS.contains(&folded(column).as_str())
}

/// Whether a column is a member of HelpCrunch's own answers that it does not take back.
pub(super) fn is_read_only(column: &str) -> bool {
    let member = column.split('.').next().unwrap_or(column);
    READ_ONLY.contains(&member)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_known_by_its_own_name_and_no_name_stands_for_two() {
        for field in Field::ALL {
            assert_eq!(super::field(field.name()), Some(field));
        }
        let mut names: Vec<_> = FIELDS.iter().flat_map(|(_, names)| *names).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|name| folded(name) == ***name));
    }

    #[test]
    fn spelling_does_not_matter() {
        for (column, field) in [
            ("E-mail", Field::Email),
            ("Email Address:", Field::Email),
            ("Full name", Field::Name),
            ("MOBILE", Field::Phone),
            ("Company name", Field::Company),
            ("Created at", Field::FirstSeen),
            ("Signed up", Field::FirstSeen),
            ("Language", Field::Locale),
            ("User ID", Field::UserId),
            ("External_ID", Field::UserId),
            ("Kunden-Nr.", Field::UserId),
            ("Ідентифікатор", Field::UserId),
            ("Letzter Besuch", Field::LastSeen),
            ("Dernière visite", Field::LastSeen),
            ("Електронна пошта", Field::Email),
            ("Дата реєстрації", Field::FirstSeen),
            ("Téléphone", Field::Phone),
            ("Newsletter abbestellt", Field::Unsubscribed),
        ] {
            assert_eq!(super::field(column), Some(field), "{column}");
        }
        for none in ["id", "ID", "Plan", "", "Vorname"] {
            assert_eq!(field(none), None, "{none}");
        }
        assert!(is_first_name("First Name") && is_last_name("Nachname") && is_tags("Tags"));
        assert!(is_tags("Schlagwort"));
        assert!(is_read_only("location.city") && !is_read_only("Location"));
    }
}
