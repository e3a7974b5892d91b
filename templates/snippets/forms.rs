// [dependencies]
// reqwest = { version = "0.13", features = ["blocking", "json"] }
// serde_json = "1"

use std::{env, error::Error, time::Duration};

fn main() -> Result<(), Box<dyn Error>> {
    let forms: serde_json::Value = reqwest::blocking::Client::new()
        .get("__BASE_URL__/forms?limit=20")
        .bearer_auth(env::var("__VARIABLE__")?)
        .timeout(Duration::from_secs(30))
        .send()?
        .error_for_status()?
        .json()?;
    for form in forms["results"].as_array().ok_or("no results")? {
        println!("{}", form["title"].as_str().unwrap_or_default());
    }
    Ok(())
}
