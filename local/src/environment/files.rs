//! Copies the generated Terraform for an instance: instances do not share state or lock files, and nothing is written to
//! the work tree.

use std::path::{Path, PathBuf};

use super::EnvironmentError;
use deployed::workspace::Workspace;

/// Copies `modules/` and `envs/<environment>/` below `directory`, and returns the copied root module.
///
/// # Errors
///
/// When nothing has been generated for the environment, or when files cannot be copied.
pub fn copy(workspace: &Workspace, environment: &str, directory: &Path) -> Result<PathBuf, EnvironmentError> {
    let source = workspace.environments().join(environment);
    if !source.join("main.tf.json").is_file() {
        return Err(EnvironmentError::NotGenerated { environment: environment.to_owned(), path: source });
    }
    // Only an environment for the emulator has this variable. Another environment would be applied to AWS.
    let variables = source.join("variables.tf.json");
    let text = std::fs::read_to_string(&variables);
    let text = text.map_err(|source| EnvironmentError::File { action: "read", path: variables, source })?;
    if !text.contains("\"aws_endpoint\"") {
        return Err(EnvironmentError::NotLocal { environment: environment.to_owned() });
    }
    copy_tree(&workspace.modules(), &directory.join("modules"))?;
    let root = directory.join("envs").join(environment);
    copy_tree(&source, &root)?;
    Ok(root)
}

fn copy_tree(source: &Path, target: &Path) -> Result<(), EnvironmentError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| EnvironmentError::File { action, path, source }
    };
    std::fs::create_dir_all(target).map_err(failed("make", target))?;
    for entry in std::fs::read_dir(source).map_err(failed("read", source))? {
        let entry = entry.map_err(failed("read", source))?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        let name = entry.file_name().to_string_lossy().into_owned();
        // Someone may have run Terraform in the work tree; its state is not this instance's.
        if name.starts_with(".terraform") || name.contains(".tfstate") {
            continue;
        }
        if from.is_dir() {
            copy_tree(&from, &to)?;
        } else {
            std::fs::copy(&from, &to).map_err(failed("copy", &from))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(directory: &Path) -> Workspace {
        std::fs::write(directory.join("Cargo.toml"), "[workspace]\n").unwrap();
        Workspace::above(directory).unwrap()
    }

    fn write(tree: &Path, file: &str, text: &str) {
        let path = tree.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn the_copy_has_the_configuration_and_no_state() {
        let tree = tempfile::tempdir().unwrap();
        let target = tempfile::tempdir().unwrap();
        for file in ["modules/queues/main.tf.json", "envs/local/main.tf.json", "envs/local/terraform.tfstate"] {
            write(tree.path(), file, "{}");
        }
        write(tree.path(), "envs/local/variables.tf.json", r#"{"variable":{"aws_endpoint":{}}}"#);
        let root = copy(&workspace(tree.path()), "local", target.path()).unwrap();
        assert!(root.join("main.tf.json").is_file());
        assert!(root.join("../../modules/queues/main.tf.json").is_file());
        assert!(!root.join("terraform.tfstate").exists());
    }

    #[test]
    fn an_environment_for_aws_is_refused_before_anything_is_copied() {
        let tree = tempfile::tempdir().unwrap();
        let target = tempfile::tempdir().unwrap();
        write(tree.path(), "envs/dev/main.tf.json", "{}");
        write(tree.path(), "envs/dev/variables.tf.json", r#"{"variable":{"functions_package":{}}}"#);
        let error = copy(&workspace(tree.path()), "dev", target.path()).unwrap_err();
        assert!(error.to_string().contains("envs/dev is not for the emulator"), "{error}");
        assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_environment_that_was_not_generated_is_reported() {
        let tree = tempfile::tempdir().unwrap();
        let error = copy(&workspace(tree.path()), "staging", tree.path()).unwrap_err();
        assert!(error.to_string().contains("cargo run -- env add staging"), "{error}");
    }
}
