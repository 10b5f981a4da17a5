//! What a container engine has of a build or a trial, found by the label that forge gave it. By words that docker and podman
//! both know: in the lists of podman there is no `{{.Label}}` (4.3 says "can't evaluate field Label").

/// What can carry a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineObject {
    /// A container, running or not.
    Container,
    /// A volume.
    Volume,
    /// A network.
    Network,
}

/// Something that carries the label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Its id, or the name of a volume.
    pub id: String,
    /// What the label says.
    pub mark: String,
}

impl EngineObject {
    /// Finds what has the label; `value` is what it has to say, where that matters. `ask` runs the engine and gives what it
    /// prints, whether it likes the question or not.
    pub fn marked(self, label: &str, value: Option<&str>, ask: &dyn Fn(&[&str]) -> Option<String>) -> Vec<Marked> {
        let (list, inspect, format): (&[&str], &[&str], _) = match self {
            Self::Container => (&["ps", "--all"], &["inspect"], "{{.ID}} {{index .Config.Labels"),
            Self::Volume => (&["volume", "ls"], &["volume", "inspect"], "{{.Name}} {{index .Labels"),
            Self::Network => (&["network", "ls"], &["network", "inspect"], "{{.ID}} {{index .Labels"),
        };
        let filter = format!("label={label}{}", value.map(|v| format!("={v}")).unwrap_or_default());
        let ids = ask(&[list, &["--quiet", "--filter", &filter]].concat()).unwrap_or_default();
        let ids: Vec<&str> = ids.split_whitespace().collect();
        if ids.is_empty() {
            return Vec::new();
        }
        // One that is gone by now is complained about, and the others are told nevertheless.
        let told = ask(&[inspect, &["--format", &format!("{format} {label:?}}}}}")], &ids].concat()).unwrap_or_default();
        let of_line = |line: &str| line.split_once(' ').map(|(id, mark)| Marked { id: id.to_owned(), mark: mark.to_owned() });
        told.lines().filter_map(of_line).collect()
    }

    /// Takes what was found away.
    pub fn remove<'m>(self, found: impl IntoIterator<Item = &'m Marked>, ask: &dyn Fn(&[&str]) -> Option<String>) {
        let ids: Vec<&str> = found.into_iter().map(|one| one.id.as_str()).collect();
        let words: &[&str] = match self {
            Self::Container => &["rm", "--force", "--volumes"],
            Self::Volume => &["volume", "rm", "--force"],
            Self::Network => &["network", "rm"],
        };
        if !ids.is_empty() {
            ask(&[words, &ids].concat());
        }
    }
}
