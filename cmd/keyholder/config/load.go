package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// MaxSize is the largest configuration file read, in bytes. A hundred accounts need about a tenth of it.
const MaxSize = 512 << 10

// Load reads and judges the file at path. The error is a sentence about a file that cannot be read at all;
// everything else is a fault, all of them at once and in file order. The configuration is never nil without
// an error, and may be used only if there is no fault. lookupEnv is os.LookupEnv, or a test's.
func Load(path string, lookupEnv func(string) (string, bool)) (*Config, []Fault, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, nil, err
	}
	cfg, faults := Parse(data, path, lookupEnv)
	return cfg, faults, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s. Write one with: keyholder init. Or name another with --config: %w",
			path, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s may not be read by this user. Change the file's permissions or its owner: %w", path,
			fs.ErrPermission)
	case err != nil:
		return nil, fmt.Errorf("open the configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder. Name the file in it with --config", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return data, nil
}

// Parse judges the bytes of a file. name is used in the faults alone. It never panics and never fails in
// another way than by faults.
func Parse(data []byte, name string, lookupEnv func(string) (string, bool)) (*Config, []Fault) {
	cfg := Default()
	cfg.file, cfg.hash = name, Hash(data)
	b := &binder{marks: marks{}, budget: maxValues}
	root, fault := document(data)
	if fault != nil {
		fault.File = name
		return cfg, []Fault{*fault}
	}
	b.bindDocument(root, cfg)
	cfg.marks = b.marks
	env := fromEnvironment(cfg, lookupEnv)
	faults := append(b.faults, validate(cfg)...)
	faults = append(faults, env...)
	for i := range faults {
		faults[i].File = name
	}
	sortFaults(faults)
	return cfg, withoutRepeats(faults)
}

// Hash is the SHA-256 of a file's bytes, in lower-case hexadecimal.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Hash is the SHA-256 of the bytes this configuration was read from, in lower-case hexadecimal.
func (c *Config) Hash() string { return c.hash }
