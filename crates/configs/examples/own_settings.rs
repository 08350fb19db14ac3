//! Your own settings, live: `cargo run -p configs --example own_settings`, then edit the file that it names.

#![allow(clippy::print_stdout)]

use configs::{Configs, Diagnosis, Event};
use garde::Validate;
use serde::Deserialize;

#[derive(Deserialize, Validate)]
struct Shop {
    #[garde(length(min = 1))]
    greeting: String,
    #[garde(range(min = 1, max = 100))]
    discount_percent: u8,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::temp_dir().join("shop.yaml");
    std::fs::write(&file, "greeting: Hello\ndiscount_percent: 5\n")?;
    let shop = Configs::<Shop>::builder().file(&file).environment("SHOP").validate().open()?;
    println!("{}! Now edit {}.", shop.load().greeting, file.display());

    shop.on_event(|event| {
        if let Event::Attempt(attempt) = event {
            let problem = attempt.error.as_ref().map_or(String::new(), Diagnosis::render);
            println!("{} {problem}", attempt.outcome.as_str());
        }
    });
    let mut discount = shop.watch(|shop| shop.discount_percent);
    while let Ok(percent) = discount.changed().await {
        println!("From now on {percent} % off.");
    }
    Ok(())
}
