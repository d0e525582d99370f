package approvals

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestTables runs the scripts in testdata. A script is blocks of commands,
// a line of four dashes and the output expected of them; a blank line ends the
// block. Times are durations since the ballot's zero hour.
//
//	ballot quorum=2 electorate=ana,ben bars=dee:requester opens=0h closes=72h   starts anew
//	ballot quorum=2 electorate=ana,ben,cat lists=ana,ben+cat                    somebody of each list
//	standing ok=ana,ben guest=gil                                               the rest are unknown
//	delegate ana->eve since=0h until=48h
//	revoke ana->eve
//	vote ben approve at=1h | vote eve for=ana refuse at=1h since=0h until=2h    puts a vote on record, unasked
//	cast ben approve at=1h                                                      asks Cast, records what it answers
//	judge at=2h | deadend at=0h | people gil
func TestTables(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tables found: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runTable(t, file) })
	}
}

func runTable(t *testing.T, file string) {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{standing: Standing{}}
	var rewritten []string
	for block := range strings.SplitSeq(strings.TrimSpace(string(raw)), "\n\n") {
		input, want, hasOutput := strings.Cut(block+"\n", "----\n")
		var got strings.Builder
		for line := range strings.Lines(input) {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if err := s.run(&got, line); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
		}
		if got.Len() > 0 || hasOutput {
			rewritten = append(rewritten, input+"----\n"+got.String())
		} else {
			rewritten = append(rewritten, input)
		}
		if !*update && strings.TrimSpace(want) != strings.TrimSpace(got.String()) {
			t.Errorf("%s\ngot:\n%s\nwant:\n%s", input, got.String(), want)
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(rewritten, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// zeroHour is the hour that the tables' times count from.
var zeroHour = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

type script struct {
	ballot      Ballot
	standing    Standing
	delegations []Delegation
}

func (s *script) run(out *strings.Builder, line string) error {
	words, args, err := parseLine(line)
	if err != nil {
		return err
	}
	switch words[0] {
	case "ballot":
		s.delegations = nil
		s.ballot, err = args.ballot()
	case "standing":
		s.standing = Standing{}
		for code, who := range args.text {
			for name := range strings.SplitSeq(who, ",") {
				s.standing[name] = strings.TrimSuffix(code, "ok")
			}
		}
	case "delegate":
		from, to, _ := strings.Cut(words[1], "->")
		s.delegations = append(s.delegations, Delegation{From: from, To: to, Since: args.time("since"),
			Until: args.time("until")})
	case "revoke":
		s.revoke(words[1])
	case "vote":
		s.ballot.Votes = append(s.ballot.Votes, args.vote(words[1], Choice(words[2])))
	case "cast":
		s.cast(out, words[1], Choice(words[2]), args.time("at"))
	case "judge":
		writeTally(out, s.ballot.Judge(s.standing, s.delegations, args.time("at")))
	case "deadend":
		err := s.ballot.DeadEnd(s.standing, s.delegations, args.time("at"))
		fmt.Fprintln(out, errText(err))
	case "people":
		fmt.Fprintln(out, strings.Join(s.ballot.People(words[1:]...), " "))
	default:
		return errors.New("unknown command")
	}
	return err
}

func (s *script) revoke(pair string) {
	var kept []Delegation
	for _, d := range s.delegations {
		if d.From+"->"+d.To != pair {
			kept = append(kept, d)
		}
	}
	s.delegations = kept
}

func (s *script) cast(out *strings.Builder, by string, choice Choice, at time.Time) {
	votes, err := s.ballot.Cast(by, choice, "", s.standing, s.delegations, at)
	if err != nil {
		fmt.Fprintln(out, errText(err))
		return
	}
	s.ballot.Votes = append(s.ballot.Votes, votes...)
	fmt.Fprintf(out, "recorded: %s\n", voteTexts(votes))
}

func errText(err error) string {
	var r *Refusal
	if errors.As(err, &r) {
		return strings.TrimSpace(r.Code + " " + r.Detail)
	}
	if err != nil {
		return "not a Refusal: " + err.Error()
	}
	return "ok"
}

func writeTally(out *strings.Builder, t Tally) {
	fmt.Fprintf(out, "%s, %d missing", t.Outcome, t.Missing)
	if t.Winnable {
		fmt.Fprint(out, ", winnable")
	}
	fmt.Fprintln(out)
	if len(t.Unmet) > 0 {
		fmt.Fprintf(out, "lists without a person: %v\n", t.Unmet)
	}
	for _, part := range []struct{ name, text string }{
		{"approve", voteTexts(t.Counted)},
		{"refuse", voteTexts(t.Refusals)},
		{"void", voidTexts(t.Voided)},
		{"ask", strings.Join(t.Waiting, " ")},
	} {
		if part.text != "" {
			fmt.Fprintf(out, "%s: %s\n", part.name, part.text)
		}
	}
}

func voteText(v Vote) string {
	if v.By == v.Seat {
		return v.By
	}
	return v.By + " for " + v.Seat
}

func voteTexts(votes []Vote) string {
	var texts []string
	for _, v := range votes {
		texts = append(texts, voteText(v))
	}
	return strings.Join(texts, ", ")
}

func voidTexts(voided []Voided) string {
	var texts []string
	for _, v := range voided {
		texts = append(texts, fmt.Sprintf("%s (%s)", voteText(v.Vote), v.Why))
	}
	return strings.Join(texts, ", ")
}

// arguments are the key=value words of a line; times are parsed ahead so that a
// misspelt one fails the test.
type arguments struct {
	text  map[string]string
	times map[string]time.Time
}

func parseLine(line string) ([]string, arguments, error) {
	args := arguments{text: map[string]string{}, times: map[string]time.Time{}}
	var words []string
	for _, word := range strings.Fields(line) {
		key, value, isArg := strings.Cut(word, "=")
		if !isArg {
			words = append(words, word)
			continue
		}
		args.text[key] = value
		if d, err := time.ParseDuration(value); err == nil {
			args.times[key] = zeroHour.Add(d)
		} else if key == "at" || key == "since" || key == "until" || key == "opens" || key == "closes" {
			return nil, args, err
		}
	}
	if need := map[string]int{"delegate": 2, "revoke": 2, "vote": 3, "cast": 3}[words[0]]; len(words) < need {
		return nil, args, fmt.Errorf("%d words needed", need)
	}
	return words, args, nil
}

func (a arguments) time(key string) time.Time { return a.times[key] }

func (a arguments) number(key string) (int, error) {
	if a.text[key] == "" {
		return 0, nil
	}
	return strconv.Atoi(a.text[key])
}

func (a arguments) ballot() (Ballot, error) {
	quorum, err1 := a.number("quorum")
	eyes, err2 := a.number("eyes")
	vetoes, err3 := a.number("vetoes")
	b := Ballot{
		Quorum: quorum, Eyes: eyes, Vetoes: vetoes,
		Electorate: strings.Split(a.text["electorate"], ","),
		Opens:      a.time("opens"), Closes: a.time("closes"),
	}
	if lists, given := a.text["lists"]; given {
		for list := range strings.SplitSeq(lists, "+") {
			b.Lists = append(b.Lists, strings.Split(list, ","))
		}
	}
	for bar := range strings.SplitSeq(a.text["bars"], ",") {
		if who, why, ok := strings.Cut(bar, ":"); ok {
			b.Bars = append(b.Bars, Bar{Who: who, Why: why})
		}
	}
	return b, errors.Join(err1, err2, err3)
}

func (a arguments) vote(by string, choice Choice) Vote {
	v := Vote{Seat: by, By: by, Choice: choice, At: a.time("at")}
	if seat := a.text["for"]; seat != "" {
		v.Seat = seat
		v.Via = &Delegation{From: seat, To: by, Since: a.time("since"), Until: a.time("until")}
	}
	return v
}
