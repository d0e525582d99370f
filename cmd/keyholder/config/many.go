package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// File is the configuration of one workspace among several.
type File struct {
	// Name is that of the workspace: the file's own, without its ending.
	Name string
	Path string
	// Gone says that there is no file, although it was named.
	Gone bool
	// Config is nil where the file cannot be read at all. It may be used only where Faults is empty.
	Config *Config
	Faults []Fault
}

// Files lists the files that paths name, each once: a folder stands for those in it that end with
// .yaml or .yml, in the order of their names, hidden ones left out. A folder may be empty. Errors
// are sentences about a path that is not there.
func Files(paths []string) ([]string, error) {
	var all []string
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !info.IsDir():
			all = append(all, path) // one that is not there is told by whoever reads it
		case err != nil:
			return nil, fmt.Errorf("look at %s: %w", path, err)
		default:
			entries, err := os.ReadDir(path)
			if err != nil {
				return nil, fmt.Errorf("list the folder %s: %w", path, err)
			}
			for _, e := range entries {
				if ext := filepath.Ext(e.Name()); (ext == ".yaml" || ext == ".yml") && !strings.HasPrefix(e.Name(),
					".") {
					all = append(all, filepath.Join(path, e.Name()))
				}
			}
		}
	}
	var once []string
	for _, path := range all {
		if !slices.Contains(once, path) {
			once = append(once, path)
		}
	}
	return once, nil
}

// LoadAll reads and judges the files that paths name, each by itself and then beside the others: what two of them share
// and may not is a fault of both, for nobody knows which is meant. The error is about paths alone.
func LoadAll(paths []string, lookupEnv func(string) (string, bool)) ([]File, error) {
	found, err := Files(paths)
	if err != nil {
		return nil, err
	}
	files := make([]File, 0, len(found))
	for _, path := range found {
		f := File{Name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), Path: path}
		if f.Config, f.Faults, err = Load(path, lookupEnv); err != nil {
			f.Gone = errors.Is(err, fs.ErrNotExist)
			f.Faults = []Fault{{File: path, Problem: sentence(err), Cure: "The other workspaces do not wait for it."}}
		}
		files = append(files, f)
	}
	for i := range files {
		for j := range files {
			if i != j {
				files[i].Faults = append(files[i].Faults, files[i].Beside(files[j])...)
			}
		}
	}
	return files, nil
}

func sentence(err error) string {
	return strings.TrimSuffix(strings.TrimSuffix(err.Error(), ": file does not exist"), ".")
}

// Beside answers what of another file keeps this one from running in the same process: the same
// name, the same place for the record, the same app. Files that could not be read share nothing but
// names.
func (f File) Beside(other File) []Fault {
	var out []Fault
	add := func(path, value, problem, cure string) {
		fault := Fault{File: f.Path, Field: path, Value: value, Problem: problem, Cure: cure}
		if f.Config != nil && f.Config.marks.given(path) {
			at := f.Config.marks.at(path)
			fault.Line, fault.Column = at.line, at.column
		}
		out = append(out, fault)
	}
	if f.Name == other.Name {
		add("", "", "Two files are called "+f.Name+", "+other.Path+" too",
			"Rename one: a file's name is that of its workspace.")
	}
	if f.Config == nil || other.Config == nil {
		return out
	}
	a, b := f.Config, other.Config
	if a.Redis.Prefix == b.Redis.Prefix && shareServer(a.servers(), b.servers()) {
		add("redis.prefix", show(a.Redis.Prefix), "is also the prefix of "+other.Path+
			", on the same Redis: their records would mix",
			"Give each file its own, such as kh-"+f.Name+".")
	}
	if token := a.Secrets.SlackBotToken; token != "" && token == b.Secrets.SlackBotToken {
		add("slack.bot_token_env", show(a.Slack.BotTokenEnv), "names the same bot token as "+other.Path+
			": each click would reach only one of them",
			"Give each workspace an app of its own, and name its variables in the file.")
	} else if token := a.Secrets.SlackAppToken; token != "" && token == b.Secrets.SlackAppToken {
		add("slack.app_token_env", show(a.Slack.AppTokenEnv), "names the same app token as "+other.Path+
			": each click would reach only one of them",
			"Give each workspace an app of its own, and name its variables in the file.")
	}
	return out
}

// Listen answers where a process with all these files answers operators: where the first says that names an address,
// else at the default. others are the paths of those that name another.
func Listen(files []File) (address string, others []string) {
	address, named := Default().Listen, false
	for _, f := range files {
		switch {
		case f.Config == nil || !f.Config.marks.given("listen"):
		case !named:
			address, named = f.Config.Listen, true
		case f.Config.Listen != address:
			others = append(others, f.Path)
		}
	}
	return address, others
}

// servers are where the record is, as host:port/database, whoever signs in there. Two names of one machine are not
// recognised as such, but for this machine itself.
func (c *Config) servers() []string {
	if len(c.Redis.Addrs) > 0 && (c.Secrets.RedisURL == "" || c.Redis.Master != "" || c.Redis.Cluster) {
		db := database(c.Secrets.RedisURL)
		out := make([]string, len(c.Redis.Addrs))
		for i, addr := range c.Redis.Addrs {
			out[i] = plainHost(addr) + "/" + c.Redis.Master + "/" + db
		}
		return out
	}
	address := c.RedisURL()
	u, err := url.Parse(address)
	if err != nil {
		return []string{address}
	}
	if u.Scheme == "unix" {
		return []string{u.Path + "//" + database(address)}
	}
	return []string{plainHost(u.Host) + "/" + c.Redis.Master + "/" + database(address)}
}

// database is the number of the database that a Redis URL names.
func database(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "0"
	}
	if db := u.Query().Get("db"); db != "" {
		return db
	}
	if db := strings.Trim(u.Path, "/"); db != "" && u.Scheme != "unix" {
		return db
	}
	return "0"
}

func plainHost(hostPort string) string {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		host, port = strings.Trim(hostPort, "[]"), "6379"
	}
	if host = strings.ToLower(host); loopback(host) || host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func shareServer(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
