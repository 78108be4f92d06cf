//! Checks rendered samples against the published JSON Schemas.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

fn schema_text(name: &str) -> &'static str {
    match name {
        "results" => include_str!("../../docs/formats/results.schema.json"),
        "summary" => include_str!("../../docs/formats/summary.schema.json"),
        "changes" => include_str!("../../docs/formats/changes.schema.json"),
        "fleet-check" => include_str!("../../docs/formats/fleet-check.schema.json"),
        "status" => include_str!("../../docs/formats/status.schema.json"),
        "plan" => include_str!("../../docs/formats/plan.schema.json"),
        other => panic!("no schema named {other}"),
    }
}

fn compile(name: &str, schemas: &mut Schemas) -> SchemaIndex {
    let schema: Value = serde_json::from_str(schema_text(name)).unwrap();
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    let url = format!("https://example.org/{name}.schema.json");
    compiler.add_resource(&url, schema).unwrap();
    compiler
        .compile(&url, schemas)
        .unwrap_or_else(|e| panic!("{e:#}"))
}

fn check(name: &str, json: &str) -> Result<(), String> {
    let mut schemas = Schemas::new();
    let index = compile(name, &mut schemas);
    let value: Value = serde_json::from_str(json).unwrap();
    schemas
        .validate(&value, index)
        .map_err(|e| format!("{e:#}"))
}

pub(super) fn assert_fits(name: &str, json: &str) {
    if let Err(error) = check(name, json) {
        panic!("{json}\n{error}");
    }
}

pub(super) fn assert_misfits(name: &str, json: &str) {
    assert!(check(name, json).is_err(), "{name} lets this pass: {json}");
}

#[test]
fn plan_lines_of_the_contract_fit_and_broken_ones_do_not() {
    let lines = [
        r#"{"hcsync_plan":1,"run_id":"20261120T031244Z-k3f9","created_at":"2026-11-20T03:12:44Z","base_url":"https://api.helpcrunch.com/v1","account":null,"inputs":[{"path":"a.csv","sha256":"0000000000000000000000000000000000000000000000000000000000000000","rows":3}],"config_sha256":"0000000000000000000000000000000000000000000000000000000000000000","remote":{"strategy":"list"}}"#,
        r#"{"op":"create","row":3,"key":{"userId":"u3"},"set":{"name":"Ann"},"custom_data":{"plan":"pro","since":1603885746},"dates":["since"],"tags":[{"name":"lead"}]}"#,
        r#"{"op":"patch","row":5,"customer_id":1,"set":{"company":{"from":"A","to":"B"}},"custom_data":{"plan":{"from":null,"to":"pro"}}}"#,
        r##"{"op":"tag","row":5,"customer_id":1,"tags":[{"name":"vip","color":"#ff0000"}]}"##,
        r#"{"op":"untag","row":5,"customer_id":1,"tags":[{"name":"trial"}]}"#,
        r#"{"end":true,"counts":{"create":1},"sha256":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
    ];
    for line in lines {
        assert_fits("plan", line);
        let broken = line
            .replace("\"row\":", "\"raw\":")
            .replace("\"hcsync_plan\":1", "\"hcsync_plan\":2")
            .replace("\"end\":true", "\"end\":false");
        assert_misfits("plan", &broken);
    }
    assert_misfits(
        "plan",
        r#"{"op":"patch","row":5,"customer_id":1,"set":{"company":"B"}}"#,
    );
    assert_misfits(
        "plan",
        r#"{"op":"patch","row":5,"customer_id":1,"set":{"id":{"from":1,"to":2}}}"#,
    );
    assert_misfits("plan", r#"{"op":"tag","row":5,"customer_id":1,"tags":[]}"#);
}
