package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/keyholder/keyholder/cmd/keyholder/serve"
	"github.com/keyholder/keyholder/store"
	"github.com/keyholder/keyholder/store/backup"
	"github.com/keyholder/keyholder/workflows"
)

type backupCmd struct {
	configFlag
	File string `arg:"" type:"path" help:"The file to write; there must be none of that name."`
}

// Run copies the record into a file that is there whole or not at all. Keyholder may work on meanwhile.
func (c backupCmd) Run(w *world) error {
	cfg, err := c.load(w, true)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(c.File); !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return fmt.Errorf("look for %s: %w", c.File, err)
		}
		return exitError{exitFault, c.File + " is there already, and stays as it is: give another name, or remove it"}
	}
	o := serve.StoreOptions(cfg, zerolog.Nop())
	o.Look = true
	st, err := store.Open(w.ctx, o)
	if err != nil {
		return err
	}
	defer st.Close()
	if refs, err := st.Refs(w.ctx, ""); err != nil || len(refs) == 0 {
		if err != nil {
			return fmt.Errorf("list the records: %w", err)
		}
		return exitError{exitFault,
			fmt.Sprintf("there is no record with the prefix %s: nothing was written. If there should be one, compare redis.prefix and REDIS_URL", st.Prefix())}
	}
	if st.Standing() == store.SealedElsewhere {
		fmt.Fprintln(w.out, "… the record is sealed, but KEYHOLDER_SEAL_KEY is not set: the file will have no seal, and nothing is compared")
	}
	faults := 0
	told := func(ref workflows.Ref, err error) {
		faults++
		fmt.Fprintf(w.out, "✗ %s %s: %v\n", ref.Kind, ref.ID, err)
	}
	var totals backup.Totals
	err = whole(c.File, func(f io.Writer) error {
		totals, err = backup.Write(w.ctx, st, f, backup.Options{Version: version(), Keys: o.SealKeys, Now: time.Now,
			Told: told})
		return err
	})
	if err != nil {
		return fmt.Errorf("back up: %w; nothing was written", err)
	}
	sealed := "not sealed: KEYHOLDER_SEAL_KEY is not set"
	if totals.Seal != "" {
		sealed = "sealed"
	}
	fmt.Fprintf(w.out, "✓ %s: %s, %s (%s)\n", c.File, count(totals.Records, "record"), count(totals.Events, "event"),
		sealed)
	if faults > 0 {
		return exitError{exitFault,
			fmt.Sprintf("the file is whole, but %s did not hold: keyholder audit verify says more",
				count(faults, "record"))}
	}
	return nil
}

// whole writes a file under another name and renames it once it is on disk, for its owner alone.
func whole(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".keyholder-backup-*") // mode 0600
	if err != nil {
		return fmt.Errorf("make a file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return fmt.Errorf("bring the file to disk: %w", err)
	}
	if err = f.Close(); err != nil {
		return fmt.Errorf("close the file: %w", err)
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("name the file: %w", err)
	}
	// The name as well; where a folder cannot be synced, the system does it in its own time.
	if folder, err := os.Open(filepath.Dir(path)); err == nil {
		_ = folder.Sync()
		_ = folder.Close()
	}
	return nil
}

type restoreCmd struct {
	configFlag
	File        string `arg:"" type:"path" help:"The file that keyholder backup wrote."`
	WithoutSeal bool   `name:"without-seal" help:"Believe a sealed file as it is, where KEYHOLDER_SEAL_KEY is lost."`
}

// Run puts a copy back under a prefix where nothing is, once all of the file was found to hold.
func (c restoreCmd) Run(w *world) error {
	cfg, err := c.load(w, true)
	if err != nil {
		return err
	}
	o := serve.StoreOptions(cfg, zerolog.Nop())
	if c.WithoutSeal && len(o.SealKeys) > 0 {
		return exitError{exitUsage,
			"--without-seal is for where KEYHOLDER_SEAL_KEY is not set: leave out one of the two"}
	}
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("read the copy: %w", err)
	}
	defer f.Close()
	faults := 0
	told := func(ref workflows.Ref, err error) {
		faults++
		fmt.Fprintf(w.out, "✗ %s %s: %v\n", ref.Kind, ref.ID, err)
	}
	header, totals, err := backup.Restore(w.ctx, f, backup.Into{Store: o, Machines: serve.Machines(),
		Believe: c.WithoutSeal, Told: told})
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	fmt.Fprintf(w.out, "✓ %s, %s are back, as they stood on %s\n", count(totals.Records, "record"),
		count(totals.Events, "event"),
		header.Made.UTC().Format("2006-01-02 at 15:04:05 UTC"))
	fmt.Fprintln(w.out, "… what was decided since is not in it. Run keyholder audit verify, then start keyholder run; the cards of everything open are drawn again")
	if faults > 0 {
		return exitError{exitFault, fmt.Sprintf("%s did not hold and stand as they stood: nothing is decided on them",
			count(faults, "record"))}
	}
	return nil
}
