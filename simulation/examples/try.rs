use order_simulation::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let (seed, runs, orders): (u64, u64, u32) = (a[1].parse().unwrap(), a[2].parse().unwrap(), a[3].parse().unwrap());
    let faults: FaultProfile = a[4].parse().unwrap();
    let tell = a.get(5).is_some();
    let t = std::time::Instant::now();
    let mut sum = Statistics::default();
    let mut shown = 0;
    for s in seed..seed + runs {
        let mut plan = Plan::new(s, orders, faults.clone());
        plan.tell = tell;
        let o = run(&plan).unwrap();
        sum.add(&o.statistics);
        if !o.is_well() && shown < 12 {
            shown += 1;
            println!("seed {s}");
            for v in o.violations.iter().take(6) { println!("   {}ms {v}", v.at); }
        }
        if let Some(story) = &o.story {
            println!("hash {:x} lines {}", story.hash(), story.lines.len());
            if let Some(n) = a.get(5).and_then(|n| n.parse().ok()) { 
               if n == 9999 { print!("{story}"); } else { print!("{}", story.of(n)); } }
        }
    }
    println!("{sum:#?}\n{:?}", t.elapsed());
}
