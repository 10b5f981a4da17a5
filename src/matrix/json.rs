//! The matrix for programs.

use serde_json::{Value, json};

use crate::matrix::fold::stretch;
use crate::matrix::model::{Matrix, State};

/// The document: the model with its schema's number. Patches that are upstream say since which release.
pub fn document(matrix: &Matrix) -> Value {
    let mut components = json!(matrix.components);
    for (at, column) in matrix.components.iter().enumerate() {
        for (release, judged) in column.releases.iter().enumerate() {
            for (place, patch) in judged.patches.iter().enumerate().filter(|(_, patch)| patch.state == State::Upstreamed) {
                let name = format!("{}/{}", patch.series, patch.patch);
                let Some(known) = column.patches.iter().position(|other| *other == name) else { continue };
                if let Some(stretch) = stretch(column, release, known) {
                    components[at]["releases"][release]["patches"][place]["since"] = json!(stretch.oldest);
                }
            }
        }
    }
    json!({"schema": 1, "recipe": matrix.recipe, "components": components})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::testing::{k0sctl, matrix};

    #[test]
    fn the_document_is_that_of_the_contract() {
        let document = document(&matrix(vec![k0sctl()]));
        assert_eq!((&document["schema"], &document["recipe"]), (&json!(1), &json!("nixos")));
        let column = &document["components"][0];
        assert_eq!(column["component"], "k0sctl");
        assert_eq!(column["releases"].as_array().unwrap().len(), 44);
        let newest = &column["releases"][0];
        assert_eq!((&newest["version"], &newest["verdict"]), (&json!("v0.32.1"), &json!("upstreamed")));
        let expected = json!({
            "series": "nixos", "patch": "0002-units.edit.toml", "verdict": "upstreamed", "since": "v0.32.1",
            "reasons": [{"text": "all of it is already there: its reverse applies exactly"}],
        });
        assert_eq!(newest["patches"][1], expected);
        assert_eq!(newest["patches"][0].get("since"), None);
        assert_eq!((&column["releases"][3]["compile"], newest.get("compile")), (&json!("failed"), None));
        assert_eq!(column["releases"][4]["test"], "failed");
    }
}
