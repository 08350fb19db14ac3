//! The aims, and whether they are reached.

use crate::{
    servers::{
        aim::Aim,
        record::Figure,
        subject::{self, Subject},
    },
    stats::round,
};

/// A ratio of two figures.
struct Ratio<'a> {
    figure: &'a str,
    server: &'a str,
    against: &'a str,
    what: &'a str,
    measured: f64,
}

/// Every aim for which there are figures.
pub(crate) fn judged(figures: &[Figure]) -> Vec<Aim> {
    let look = |id: &str, server: &str, series: Option<&str>| {
        figures.iter().find(|figure| figure.id == id)?.of(server, series)
    };
    let mut aims = Vec::new();
    for demo in subject::demos() {
        let against = demo.counterpart.unwrap_or_default();
        let answers = match against {
            "go-goframe" => 3.0,
            "go-fiber" => 1.0,
            _ => 1.4,
        };
        for (figure, least, what) in [
            (
                "cpu-dynamic-config",
                answers,
                "requests per CPU second on `/dynamic-config`, times the counterpart's",
            ),
            ("cpu-page", 2.5, "requests per CPU second on `/`, times the counterpart's"),
        ] {
            let both = look(figure, demo.id, None).zip(look(figure, against, None));
            aims.extend(both.map(|(ours, theirs)| {
                Ratio { figure, server: demo.id, against, what, measured: theirs / ours }.at_least(least)
            }));
        }
        for (figure, target, most, what) in [
            (
                "cpu-dynamic-config",
                "/dynamic-config",
                1.05,
                "processor time of `/dynamic-config`, times that of the same answer statically",
            ),
            ("cpu-page", "/", 1.15, "processor time of `/`, times that of the same answer statically"),
        ] {
            let both = look(figure, demo.id, None).zip(look("cpu-static", demo.id, Some(target)));
            aims.extend(both.map(|(ours, fixed)| {
                Ratio { figure, server: demo.id, against: demo.id, what, measured: ours / fixed }
                    .at_most(most)
            }));
        }
        for mode in ["in place", "by rename"] {
            let figure = "save-to-served";
            let both = look(figure, demo.id, Some(mode)).zip(look(figure, against, Some(mode)));
            let what = format!("save to served, {mode}, times the counterpart's");
            aims.extend(both.map(|(ours, theirs)| {
                Ratio { figure, server: demo.id, against, what: &what, measured: ours / theirs }.at_most(1.0)
            }));
        }
        aims.extend(none_of(figures, demo, "torn", "all", "torn pages in all storms"));
        for tool in ["SIGUSR2", "hotrun"] {
            let what = format!("requests that failed over the restarts by {tool}");
            aims.extend(look("restarts", demo.id, Some(tool)).map(|measured| {
                Ratio { figure: "restarts", server: demo.id, against: "", what: &what, measured }.at_most(0.0)
            }));
        }
    }
    for (figure, what) in [
        (
            "throughput-dynamic-config",
            "requests a second on `/dynamic-config` of the fastest demo, times the fastest counterpart's",
        ),
        ("throughput-page", "requests a second on `/` of the fastest demo, times the fastest counterpart's"),
    ] {
        let best = |demos: bool| {
            let those = subject::ALL.iter().filter(|subject| subject.is_demo() == demos);
            let values = those.filter_map(|subject| Some((look(figure, subject.id, None)?, subject.id)));
            values.max_by(|a, b| a.0.total_cmp(&b.0))
        };
        aims.extend(best(true).zip(best(false)).map(|((ours, server), (theirs, against))| {
            Ratio { figure, server, against, what, measured: ours / theirs }.at_least(1.0)
        }));
    }
    aims
}

/// The aim that the sum of a column of a server's rows is 0.
fn none_of(figures: &[Figure], demo: &Subject, id: &str, column: &str, what: &str) -> Option<Aim> {
    let figure = figures.iter().find(|figure| figure.id == id)?;
    let mine = figure.rows.iter().filter(|row| row.server == demo.id);
    let measured = mine.filter_map(|row| row.further(column)).sum();
    Some(Ratio { figure: id, server: demo.id, against: "", what, measured }.at_most(0.0))
}

impl Ratio<'_> {
    fn at_least(self, least: f64) -> Aim {
        let met = self.measured >= least;
        self.judged(&format!("at least {least}"), met)
    }

    fn at_most(self, most: f64) -> Aim {
        let met = self.measured <= most;
        self.judged(&format!("at most {most}"), met)
    }

    fn judged(self, wanted: &str, met: bool) -> Aim {
        Aim {
            figure: self.figure.to_owned(),
            server: self.server.to_owned(),
            against: self.against.to_owned(),
            what: self.what.to_owned(),
            wanted: wanted.to_owned(),
            measured: round(self.measured),
            met,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::judged;
    use crate::servers::record::{Figure, Row};

    #[test]
    fn an_aim_is_judged_by_the_figures_of_both() {
        let rows = [("demo-axum", 10.0), ("go-gin", 16.0)].map(|(server, cost)| Row::of(server, vec![cost]));
        let costs = Figure::new("cpu", "cpu-dynamic-config", "", "µs").rows(rows.into());
        let fixed = Row::of("demo-axum", vec![9.0]).series("/dynamic-config");
        let fixed = Figure::new("cpu", "cpu-static", "", "µs").rows(vec![fixed]);
        let aims = judged(&[costs, fixed]);
        let found: Vec<_> = aims.iter().map(|aim| (aim.measured, aim.met)).collect();
        assert_eq!(found, [(1.6, true), (1.111, false)]);
    }

    #[test]
    fn one_torn_page_is_one_too_many() {
        let rows = [0, 1].map(|torn| Row::of("demo-axum", vec![0.0]).with("all", torn));
        let torn = Figure::new("saves", "torn", "", "pages").rows(rows.into());
        let aims = judged(&[torn]);
        assert!(aims.iter().any(|aim| aim.server == "demo-axum" && !aim.met));
    }
}
