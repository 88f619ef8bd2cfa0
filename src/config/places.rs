//! Where our files are: the platform's own places, unless a person names others.

use std::ffi::OsString;
use std::path::PathBuf;

use directories::ProjectDirs;

use super::ConfigError;

/// Where the configuration is, and where everything that runs leave behind is. Both are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The configuration; it need not exist.
    pub config_file: PathBuf,
    /// The directory of journal, results and logs; it need not exist.
    pub data_dir: PathBuf,
}

impl Places {
    /// The places that a person named by flag (`--config`, `--data-dir`), or else by `TRUNKLINE_CONFIG` and
    /// `TRUNKLINE_DATA_DIR`, or else the platform's own.
    ///
    /// # Errors
    ///
    /// Where one is not named and there is no home directory.
    pub fn find(config_file: Option<PathBuf>, data_dir: Option<PathBuf>) -> Result<Self, ConfigError> {
        Self::find_in(config_file, data_dir, &|name| std::env::var_os(name))
    }

    fn find_in(
        config_file: Option<PathBuf>,
        data_dir: Option<PathBuf>,
        lookup: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let variable = |name| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let own = || ProjectDirs::from("", "", "trunkline").ok_or(ConfigError::NoHome);
        let config_file = match config_file.or_else(|| variable("TRUNKLINE_CONFIG")) {
            Some(path) => path,
            None => own()?.config_dir().join("config.toml"),
        };
        let data_dir = match data_dir.or_else(|| variable("TRUNKLINE_DATA_DIR")) {
            Some(path) => path,
            None => own()?.data_dir().to_owned(),
        };
        let absolute = |path: PathBuf| {
            std::path::absolute(&path).map_err(|source| ConfigError::Read { path: path.clone(), source })
        };
        Ok(Self { config_file: absolute(config_file)?, data_dir: absolute(data_dir)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_goes_before_a_variable_and_an_empty_variable_is_none() {
        let lookup = |name: &str| match name {
            "TRUNKLINE_CONFIG" => Some(OsString::from("/from/variable.toml")),
            "TRUNKLINE_DATA_DIR" => Some(OsString::from("/data")),
            _ => None,
        };
        let places = Places::find_in(Some("/from/flag.toml".into()), None, &lookup).unwrap();
        assert_eq!(places.config_file, PathBuf::from("/from/flag.toml"));
        assert_eq!(places.data_dir, PathBuf::from("/data"));

        let empty = |_: &str| Some(OsString::new());
        let places = Places::find_in(None, Some("/data".into()), &empty).unwrap();
        assert!(places.config_file.ends_with("trunkline/config.toml"), "{places:?}");
    }

    #[test]
    fn places_stay_where_they_are_when_the_working_directory_changes() {
        let places = Places::find_in(Some("here.toml".into()), Some("data".into()), &|_| None).unwrap();
        assert!(places.config_file.is_absolute() && places.data_dir.is_absolute());
    }
}
