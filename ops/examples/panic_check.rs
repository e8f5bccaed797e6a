//! x
use ops::environment::*;
#[tokio::main]
async fn main() {
    let mut o = UpOptions::local("panic");
    o.progress = ops::progress::Progress::detect();
    let r = tokio::spawn(async move {
        let _ = with_environment(o, async |e: &Environment| -> u8 {
            eprintln!("up {:?}", e.connection().endpoint);
            let plan = e.terraform().plan().await.unwrap();
            eprintln!("plan {:?}", plan);
            panic!("boom")
        }).await;
    }).await;
    eprintln!("{r:?}");
}
