//! Edits by strangers, between and beside requests.

use super::super::{AgentEdit, CustomerChoice, EditTarget};
use super::*;

#[tokio::test]
async fn an_edit_comes_before_or_after_the_request_it_is_beside() {
    for (when, name) in [("before", "Client"), ("after", "Agent")] {
        let toml = format!(
            "[[agent]]\nwhen = '{when}'\nendpoint = 'patch'\nnth = 2\ncustomer = 'target'\n\
             set = {{ name = 'Agent', company = 'Agents' }}\ncustom-data = {{ plan = 'gold' }}\n\
             tags = ['seen']\nuntag = ['vip']"
        );
        let server = staged(&toml, 0);
        patch(&server, 1, json!({"phone": "1"})).await;
        assert_eq!(get(&server, 1).await["name"], "Ann");
        patch(&server, 1, json!({"name": "Client"})).await;
        let customer = get(&server, 1).await;
        assert_eq!(
            (&customer["name"], &customer["company"]),
            (&json!(name), &json!("Agents"))
        );
        assert_eq!(customer["customData"], json!({"plan": "gold", "seats": 3}));
        assert_eq!(tag_names(&customer), ["seen"]);
        assert_eq!(server.requests()[2].agent_edits, [1]);
        assert_eq!(server.stats().agent_edits, 1);
    }
}

#[tokio::test]
async fn agents_create_delete_and_pick_at_random() {
    let server = staged(
        "[[agent]]\nwhen = 'after'\nrequest = 1\ncreate = { email = 'new@x.org' }\n\
         [[agent]]\nwhen = 'before'\nrequest = 2\ncustomer = 'target'\ndelete = true\n\
         [[agent]]\nwhen = 'before'\nrequest = 3\ncustomer = 'random'\nset = { notes = 'hi' }\n\
         [[agent]]\nwhen = 'before'\nendpoint = 'list'\ncustomer = 'target'\ndelete = true",
        5,
    );
    get(&server, 2).await;
    assert_eq!(get(&server, 4).await["errors"][1]["code"], "not_found");
    assert_eq!(
        call(&server, "GET", "/v1/customers", Value::Null)
            .await
            .ids(),
        [1, 2, 3]
    );
    let touched: Vec<_> = server
        .requests()
        .into_iter()
        .map(|one| one.agent_edits)
        .collect();
    assert_eq!(
        (&touched[0], &touched[1], touched[2].len()),
        (&vec![4], &vec![4], 1)
    );
    assert_eq!(get(&server, touched[2][0]).await["notes"], "hi");
}

#[tokio::test]
async fn the_target_after_a_create_is_the_new_customer() {
    let server = staged(
        "[[agent]]\nwhen = 'after'\nendpoint = 'create'\ncustomer = 'target'\nset = { name = 'Agent' }",
        0,
    );
    let made = call(&server, "POST", "/v1/customers", json!({"name": "Client"})).await;
    assert_eq!(made.body["name"], "Client");
    assert_eq!(get(&server, 4).await["name"], "Agent");
}

#[tokio::test]
async fn edits_by_hand_say_why_they_cannot_be_made() {
    let server = server(&["never-stored=name"]);
    let of = |id| AgentEdit {
        customer: Some(EditTarget::Id(id)),
        ..AgentEdit::default()
    };
    let set = |value| json!({ "name": value }).as_object().unwrap().clone();
    assert_eq!(
        server
            .agent(&AgentEdit {
                set: set(json!("A")),
                ..of(1)
            })
            .unwrap(),
        1
    );
    assert_eq!(
        server.customers()[0]["name"],
        "A",
        "rewrites are for programs, not for agents"
    );
    let random = AgentEdit {
        customer: Some(EditTarget::Chosen(CustomerChoice::Random)),
        ..AgentEdit::default()
    };
    assert!((1..=3).contains(&server.agent(&random).unwrap()));
    let created = json!({"id": 1}).as_object().cloned();
    for (edit, part) in [
        (AgentEdit::default(), "names no customer"),
        (of(9), "does not exist"),
        (
            AgentEdit {
                delete: true,
                ..of(9)
            },
            "does not exist",
        ),
        (
            AgentEdit {
                customer: Some(EditTarget::Chosen(CustomerChoice::Target)),
                ..random.clone()
            },
            "does not exist",
        ),
        (
            AgentEdit {
                set: set(json!(1)),
                ..of(1)
            },
            "name: This value should be of type string.",
        ),
        (
            AgentEdit {
                create: created,
                ..AgentEdit::default()
            },
            "customer 1 already exists",
        ),
    ] {
        let message = server.agent(&edit).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    assert!(server.requests().is_empty());
}
