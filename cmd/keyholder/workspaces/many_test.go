package workspaces_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// many is how many workspaces are measured; without KEYHOLDER_MANY nothing is.
func many(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("KEYHOLDER_MANY"))
	if err != nil || n < 1 {
		t.Skip("KEYHOLDER_MANY=200 measures 200 workspaces in one process, in some five minutes")
	}
	return n
}

// program is keyholder as operators run it, and where it answers them.
type program struct {
	w         *town
	cmd       *exec.Cmd
	operators string
	began     time.Time
}

// build makes the program once.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyholder")
	out, err := exec.Command("go", "build", "-o", path, "github.com/keyholder/keyholder/cmd/keyholder").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// start runs the program for all that is in the town's folder.
func (w *town) start(path string) *program {
	w.t.Helper()
	var env strings.Builder
	for name := range w.slacks {
		up := strings.ToUpper(name)
		fmt.Fprintf(&env, "%s_APP=xapp-%s\n%[1]s_BOT=xoxb-%[2]s\n", up, name)
	}
	tokens := filepath.Join(w.t.TempDir(), "tokens.env")
	if err := os.WriteFile(tokens, []byte(env.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
	p := &program{w: w, began: time.Now(), cmd: exec.Command(path, "run", "--config", w.dir, "--env-file", tokens)}
	for _, name := range []string{"SLACK_API_URL", "REDIS_URL", "IO_TOKEN"} {
		value, _ := w.env(name)
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	log, err := p.cmd.StderrPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	at := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if _, rest, ok := strings.Cut(lines.Text(), `"listen":"`); ok {
				address, _, _ := strings.Cut(rest, `"`)
				at <- "http://" + address
			}
		}
	}()
	w.t.Cleanup(p.stop)
	p.operators = <-at
	return p
}

// stop ends the program as an operator does.
func (p *program) stop() {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.w.t.Errorf("SIGTERM: %v", err)
	}
}

// metric reads one metric of the process.
func (p *program) metric(name string) float64 {
	_, body := get(p.w.t, p.operators+"/metrics")
	for line := range strings.SplitSeq(body, "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseFloat(value, 64)
			return n
		}
	}
	p.w.t.Fatalf("there is no metric %s", name)
	return 0
}

// redisSays sums what Redis says about itself.
func (w *town) redisSays(names ...string) (sum float64) {
	o, err := redis.ParseURL(w.redis.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	c := redis.NewClient(o)
	defer func() { _ = c.Close() }()
	info, err := c.Info(context.Background()).Result()
	if err != nil {
		w.t.Fatal(err)
	}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if slices.Contains(names, name) {
			n, _ := strconv.ParseFloat(value, 64)
			sum += n
		}
	}
	return sum
}

// delegate gives a command that changes the record, the i-th, and answers how long its acknowledgement took, and
// whether it was recorded.
func (w *town) delegate(name string, i int) (took time.Duration, recorded bool) {
	text, want := "delegate <@U0BEN|ben>", "U0BEN"
	if i%2 == 1 {
		text, want = "delegate off", "has ended"
	}
	began := time.Now()
	res, err := w.slacks[name].SlashCommand(context.Background(), "U0ANA", "C0OPS", "/io", text)
	return time.Since(began), err == nil && strings.Contains(res.Text, want)
}

// acks gives 200 such commands in one workspace, one after the other, and describes how long they took.
func (w *town) acks(name string) string {
	var took []time.Duration
	for i := range 200 {
		d, recorded := w.delegate(name, i)
		if !recorded {
			w.t.Errorf("%s: command %d was not recorded", name, i)
		}
		took = append(took, d)
	}
	return spread(took)
}

// acksOfAll gives one such command in each workspace at the same moment, ten times.
func (w *town) acksOfAll() string {
	var (
		mu   sync.Mutex
		took []time.Duration
		lost int
	)
	for i := range 10 {
		var all sync.WaitGroup
		for name := range w.slacks {
			all.Go(func() {
				d, recorded := w.delegate(name, i)
				mu.Lock()
				defer mu.Unlock()
				if took = append(took, d); !recorded {
					lost++
				}
			})
		}
		all.Wait()
		time.Sleep(time.Second) // so that what one round left behind is not measured with the next
	}
	return fmt.Sprintf("%s; %d of %d were not confirmed", spread(took), lost, len(took))
}

func spread(took []time.Duration) string {
	slices.Sort(took)
	n := len(took)
	return fmt.Sprintf("median %s, 99 of 100 within %s", took[n/2].Round(100*time.Microsecond),
		took[n*99/100].Round(100*time.Microsecond))
}

// measured are figures of one program.
func (p *program) measured(n int) {
	t := p.w.t
	deadline := time.Now().Add(10 * time.Minute)
	for {
		if code, _ := get(t, p.operators+"/readyz"); code == 200 {
			break
		}
		if time.Now().After(deadline) {
			_, body := get(t, p.operators+"/readyz")
			t.Fatalf("not ready: %s", body)
		}
		time.Sleep(50 * time.Millisecond)
	}
	ready := time.Since(p.began)
	time.Sleep(20 * time.Second) // start-up is over; then it is watched at rest for as long
	cpu, redis, at := p.metric("process_cpu_seconds_total"), p.w.redisSays("used_cpu_sys", "used_cpu_user"), time.Now()
	time.Sleep(20 * time.Second)
	cpu = (p.metric("process_cpu_seconds_total") - cpu) / time.Since(at).Seconds()
	redis = (p.w.redisSays("used_cpu_sys", "used_cpu_user") - redis) / time.Since(at).Seconds()
	t.Logf("%3d workspaces: ready after %s; resident %.1f MB, heap in use %.1f MB, %0.f goroutines, %0.f files; idle %.1f %% of a processor",
		n, ready.Round(10*time.Millisecond), p.metric("process_resident_memory_bytes")/1e6,
		p.metric("go_memstats_heap_inuse_bytes")/1e6,
		p.metric("go_goroutines"), p.metric("process_open_fds"), 100*cpu)
	t.Logf("%3d workspaces: Redis has %.0f connections, and is busy for %.1f %% of a processor", n,
		p.w.redisSays("connected_clients"), 100*redis)
	t.Logf("%3d workspaces: a command that changes the record, from Slack to its acknowledgement: %s", n,
		p.w.acks("w0"))
	if n > 1 {
		t.Logf("%3d workspaces: one such command in each of them at the same moment: %s", n, p.w.acksOfAll())
	}
	began := time.Now()
	p.stop()
	t.Logf("%3d workspaces: SIGTERM ended it after %s", n, time.Since(began).Round(time.Millisecond))
}

// TestMany measures; it holds nothing but that all get ready and end.
func TestMany(t *testing.T) {
	n, path := many(t), build(t)
	for _, n := range []int{1, n} {
		w := newTown(t, nil)
		for i := range n {
			name := "w" + strconv.Itoa(i)
			w.found(name, nil)
			w.write(name, "kh-"+name)
		}
		w.start(path).measured(n)
	}
}
