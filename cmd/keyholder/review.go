package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/keyholder/keyholder/bot"
	"github.com/keyholder/keyholder/bot/roster"
	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/chain"
	"github.com/keyholder/keyholder/workflows/loops"
	"github.com/keyholder/keyholder/workflows/review"
	"github.com/keyholder/keyholder/workflows/review/evidence"
	"github.com/keyholder/keyholder/workflows/review/lists"
)

type reviewCmd struct {
	Export reviewExport `cmd:"" help:"Write the evidence of a review into a folder: CSV, JSON, a page to print, and hashes of all of it."`
	Import reviewImport `cmd:"" help:"Give a review the list of users of an environment that no API token reads: a CSV of the Users page."`
}

type reviewExport struct {
	configFlag
	ID    string `arg:"" help:"The review's ID, as r07-acme-2026q4."`
	Out   string `name:"out" short:"o" required:"" help:"The folder. It is made if it is not there, and must be empty." type:"path"`
	By    string `help:"Your name, for the record of this export and for the report."`
	Force bool   `help:"Write into the folder although it is not empty. Files of the same names are replaced."`
}

// Run records the hash of the files and writes them. The manifest comes last, so a folder with one is whole.
func (c reviewExport) Run(w *world) error {
	if err := c.free(); err != nil {
		return err
	}
	cfg, err := c.load(w, true)
	if err != nil {
		return err
	}
	st, err := c.open(w)
	if err != nil {
		return err
	}
	defer st.Close()
	e, err := serve.Collect(w.ctx, st, c.ID)
	if err != nil {
		return c.explain(err)
	}
	e.Version, e.Made, e.MadeBy = version(), time.Now().UTC().Truncate(time.Second), c.madeBy()
	files, err := evidence.Files(e)
	if err != nil {
		return exitError{exitFault, err.Error() + ". Nothing was written."}
	}
	desk := loops.NewDesk(loops.DeskOptions{Store: st, Machines: serve.Machines(),
		Policies: serve.Policies(cfg), Now: time.Now, RealNow: time.Now, Log: w.log})
	sum, err := serve.Record(w.ctx, desk, c.ID, files, time.Now(), "", strings.TrimSpace(c.By))
	if err != nil {
		return c.unrecorded(err)
	}
	if err := writeAll(c.Out, files); err != nil {
		return fmt.Errorf("write into %s: %w", c.Out, err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(w.out, "%s (%s)\n", filepath.Join(c.Out, filepath.FromSlash(name)), count(len(files[name]), "byte"))
	}
	if e.Campaign.ClosedAt.IsZero() {
		fmt.Fprintln(w.out, "! The review is not closed: decisions may still change, and the report says so.")
	}
	for _, fault := range e.Disagreements() {
		fmt.Fprintln(w.out, "✗ does not agree: "+fault)
	}
	fmt.Fprintf(w.out, "✓ %s of %s; %s. This hash is in the record now, and Keyholder posts it in the account's channel; python3 verify.txt takes it:\n%s  %s\n",
		count(len(files), "file"), c.ID, chains(e), sum, evidence.FileManifest)
	return nil
}

// madeBy says who exported: at a command line nobody shows who they are.
func (c reviewExport) madeBy() string {
	if by := strings.TrimSpace(c.By); by != "" {
		return by + ", as they say, by keyholder review export"
	}
	return "keyholder review export; nobody gave a name"
}

func chains(e evidence.Evidence) string {
	if len(e.Chains) == 1 {
		return "1 chain holds"
	}
	return count(len(e.Chains), "chain") + " hold"
}

// free refuses a folder that holds something, before anything is read.
func (c reviewExport) free() error {
	entries, err := os.ReadDir(c.Out)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && (len(entries) == 0 || c.Force):
		return nil
	case err != nil:
		return exitError{exitFault, fmt.Sprintf("%s cannot be written to: %v", c.Out, err)}
	}
	return exitError{exitFault,
		c.Out + " is not empty, and nothing was written. Name another folder with --out, or give --force."}
}

// unrecorded says why no files were written: what leaves without its hash in the record proves less than it seems to.
func (c reviewExport) unrecorded(err error) error {
	const nothing = " The hash of the files goes into the record before they are handed out, so nothing was written."
	switch {
	case errors.Is(err, store.ErrSealed):
		return exitError{exitFault, "the record is sealed: set KEYHOLDER_SEAL_KEY as for keyholder run." + nothing}
	case errors.Is(err, workflows.ErrUnclear), errors.Is(err, workflows.ErrAway):
		return exitError{exitFault, "Redis did not confirm it in time." + nothing + " Try again in a minute."}
	}
	return fmt.Errorf("%w.%s", err, nothing)
}

// explain turns what kept the evidence from being read into a sentence.
func (c reviewExport) explain(err error) error {
	switch {
	case errors.Is(err, workflows.ErrNoWorkflow):
		return exitError{exitFault,
			fmt.Sprintf("there is no review %q. Its ID is told when it opens, and by /io review; it looks as r07-acme-2026q4.", c.ID)}
	case errors.Is(err, chain.ErrBroken):
		return exitError{exitFault,
			fmt.Sprintf("the chain does not hold, so nothing was written: %v. keyholder audit verify looks at every record.", err)}
	}
	return err
}

// writeAll writes files into a folder for its owner alone; nothing in the folder leads it elsewhere.
func writeAll(dir string, files map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.Remove(evidence.FileManifest); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(name string) bool {
		return name == evidence.FileManifest
	})
	for _, name := range append(names, evidence.FileManifest) {
		if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
			return err
		}
		if err := root.WriteFile(name, files[name], 0o600); err != nil {
			return err
		}
	}
	return nil
}

type reviewImport struct {
	configFlag
	ID          string `arg:"" help:"The review's ID, as r07-acme-2026q4."`
	File        string `arg:"" help:"The CSV file." type:"path"`
	Environment string `required:"" help:"The environment that the list is of; production, or its name in the configuration."`
	Extracted   string `required:"" help:"When the list was taken from the Users page: 2026-10-05T14:30:00Z, or 2026-10-05 14:30 in UTC."`
	By          string `required:"" help:"Your name, for the record."`
}

// importPatience bounds what Slack and Redis are asked for.
const importPatience = 30 * time.Second

// Run reads the file, names every fault of it, and hands it to the review.
func (c reviewImport) Run(w *world) error {
	by := strings.TrimSpace(c.By)
	if by == "" {
		return exitError{exitUsage, "--by is empty. Give your name: it is recorded as who handed the list in."}
	}
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return exitError{exitFault, fmt.Sprintf("%v. Nothing was recorded.", err)}
	}
	users, _, err := lists.ParseUsers(raw)
	if err != nil {
		return exitError{exitFault, fmt.Sprintf("%s cannot be taken, and nothing was recorded:\n%v", c.File, err)}
	}
	cfg, err := c.load(w, false) // who reviews is looked up in Slack
	if err != nil {
		return err
	}
	st, err := c.open(w)
	if err != nil {
		return err
	}
	defer st.Close()
	api, err := serve.Slack(cfg, w.log, nil)
	if err != nil {
		return fmt.Errorf("set up the Slack side: %w", err)
	}
	desk := loops.NewDesk(loops.DeskOptions{Store: st, Machines: serve.Machines(),
		Roster:   roster.New(api, time.Now, nil),
		Policies: serve.Policies(cfg), Now: time.Now, RealNow: time.Now, Log: w.log})
	ctx, cancel := context.WithTimeout(w.ctx, importPatience)
	defer cancel()
	cmd := c.command(raw, by, time.Now())
	cmd.Input[review.BlockLast] = bot.LastList(ctx, desk, c.ID)
	reply, err := desk.Do(ctx, cmd)
	if err != nil {
		return c.explain(err)
	}
	fmt.Fprintf(w.out, "✓ %s for %s of %s.\n", count(len(users), "user"), c.Environment, c.ID)
	if text := workflows.Plain(reply.Text, nil); text != "" {
		fmt.Fprintln(w.out, text)
	}
	return nil
}

// command is what the form in Slack would have given.
func (c reviewImport) command(raw []byte, by string, now time.Time) workflows.Command {
	sum := sha256.Sum256(raw)
	hash := hex.EncodeToString(sum[:])
	return workflows.Command{ID: fmt.Sprintf("import/%s/%s/%d", c.ID, hash[:16], now.UnixNano()), Workflow: c.ID,
		Name:  review.ImportUsers,
		Actor: workflows.Actor{Kind: workflows.ByKeyholder}, At: now, Round: workflows.NoRound, Submitted: true,
		Input: map[string]string{review.BlockFile: string(raw),
			review.BlockFile + workflows.FileName: filepath.Base(c.File), review.BlockFile + workflows.FileHash: hash,
			review.BlockEnvironment: c.Environment, review.BlockExtracted: c.Extracted, "uploader": "operator: " + by}}
}

// explain turns what kept the list from being taken into a sentence.
func (c reviewImport) explain(err error) error {
	flag := map[string]string{review.BlockEnvironment: "--environment: ", review.BlockExtracted: "--extracted: ",
		review.BlockFile: c.File + ": "}
	var r *workflows.Refusal
	switch {
	case errors.As(err, &r):
		return exitError{exitFault, flag[r.Field] + workflows.Plain(r.Text, nil)}
	case errors.Is(err, workflows.ErrNoWorkflow):
		return exitError{exitFault,
			fmt.Sprintf("there is no review %q, and nothing was recorded. Its ID is told when it opens, and by /io review.", c.ID)}
	case errors.Is(err, workflows.ErrUnclear):
		return exitError{exitFault,
			"it is not known whether the list was recorded: Redis did not answer in time. Look at the review in Slack before you try again."}
	}
	return fmt.Errorf("hand the list in (nothing was recorded): %w", err)
}
