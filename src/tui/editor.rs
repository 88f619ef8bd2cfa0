//! The person's own editor: `$VISUAL`, else `$EDITOR`, else `vi`, over a file of this person's only.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use crate::text::one_line;

/// The largest text that is taken back.
const LARGEST: u64 = 64 << 20;

/// Has a text edited, by a program that gets none of these variables: it has no use for secrets. None where it came back
/// as it was.
pub(super) async fn edit(text: Vec<u8>, secrets: &BTreeSet<String>) -> Result<Option<Vec<u8>>, String> {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let Some(program) = words.next() else { return Err("no editor is named in `$EDITOR`".to_owned()) };
    let said = |error: &dyn std::fmt::Display| {
        format!("the editor `{}`: {}", one_line(program, 80), one_line(&error.to_string(), 200))
    };
    // made for its owner only, and removed when it is dropped
    let mut file = tempfile::Builder::new()
        .prefix("trunkline-")
        .suffix(".json")
        .tempfile()
        .map_err(|error| said(&error))?;
    file.write_all(&text).and_then(|()| file.flush()).map_err(|error| said(&error))?;
    let mut command = tokio::process::Command::new(program);
    for variable in secrets {
        command.env_remove(variable);
    }
    let done = command
        .args(words)
        .arg(file.path())
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit())
        .status()
        .await
        .map_err(|error| said(&error))?;
    if !done.success() {
        return Err(format!("the editor ended with {done}; nothing was changed"));
    }
    // an editor may have put another file in the place of the first one
    let edited = crate::files::read(file.path(), LARGEST).map_err(|error| said(&error))?;
    Ok((edited != text).then_some(edited))
}
