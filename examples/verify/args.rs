use std::path::PathBuf;

use tower_webhook::BoxError;

pub(crate) const HELP: &str = "\
usage: verify --scheme ID --headers FILE --body FILE [options]
       verify --vectors FILE [--json]

  --scheme ID        the scheme, such as github.sha256; `--schemes` lists them
  --secret-env NAME  the variable that holds a secret or a public key; may be repeated
  --headers FILE     the headers, one `Name: value` a line; a request line before them is read too
  --body FILE        the body, to the byte
  --at UNIX          the time of arrival, in Unix seconds; now by default
  --tolerance S      how old a delivery may be, in seconds; the provider's own by default, else 300
  --url URL          the URL that the provider was given, where it signs it
  --method METHOD    POST by default
  --config JSON      what else a scheme wants: `keyid`, `webhook_id`, `required_components`
  --vectors FILE     judge every vector of a file
  --json             one JSON object a line
  --schemes          list the schemes
";

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Args {
    pub(crate) scheme: String,
    pub(crate) secrets: Vec<String>,
    pub(crate) headers: PathBuf,
    pub(crate) body: PathBuf,
    pub(crate) at: Option<i64>,
    pub(crate) tolerance: Option<u64>,
    pub(crate) url: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) config: Option<String>,
    pub(crate) vectors: Option<PathBuf>,
    pub(crate) json: bool,
}

impl Args {
    /// Reads the command line; `None` where it asks for help.
    pub(crate) fn parse(mut line: impl Iterator<Item = String>) -> Result<Option<Self>, BoxError> {
        let mut args = Self::default();
        while let Some(name) = line.next() {
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--json" => {
                    args.json = true;
                    continue;
                }
                "--schemes" => {
                    for entry in tower_webhook::scheme::catalog::all() {
                        println!("{}", entry.id);
                    }
                    std::process::exit(0);
                }
                _ => {}
            }
            let mut value = || line.next().ok_or(format!("`{name}` needs a value"));
            match name.as_str() {
                "--scheme" => args.scheme = value()?,
                "--secret-env" => args.secrets.push(value()?),
                "--headers" => args.headers = value()?.into(),
                "--body" => args.body = value()?.into(),
                "--at" => args.at = Some(value()?.parse()?),
                "--tolerance" => args.tolerance = Some(value()?.parse()?),
                "--url" => args.url = Some(value()?),
                "--method" => args.method = Some(value()?),
                "--config" => args.config = Some(value()?),
                "--vectors" => args.vectors = Some(value()?.into()),
                _ => return Err(format!("unknown option `{name}`; see `--help`").into()),
            }
        }
        let is_enough = args.vectors.is_some()
            || !(args.scheme.is_empty()
                || args.headers.as_os_str().is_empty()
                || args.body.as_os_str().is_empty());
        if is_enough {
            Ok(Some(args))
        } else {
            Err(HELP.into())
        }
    }
}
