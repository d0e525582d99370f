package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"

	"github.com/keyholder/keyholder/cmd/keyholder/config"
)

// What is deployed lies there, and what it must agree with.
const (
	unitFile    = ".github/deploy/keyholder.service"
	clusterFile = ".github/deploy/kubernetes.yaml"
	releaseFile = ".github/workflows/release.yml"
)

// ofTree reads a file of the repository.
func ofTree(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// understood has the program's own command line read what a deployment starts it with.
func understood(t *testing.T, args []string) cli {
	t.Helper()
	var c cli
	parser, err := kong.New(&c, kong.Name("keyholder"), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	k, err := parser.Parse(args)
	if err != nil {
		t.Fatalf("keyholder does not understand %q: %v", args, err)
	}
	if k.Command() != "run" {
		t.Fatalf("%q runs %s", args, k.Command())
	}
	return c
}

// image is what the Dockerfile says: whom the program runs as, where it is, what it is told.
type image struct{ user, program, port, configuration string }

func dockerfile(t *testing.T) image {
	t.Helper()
	text := ofTree(t, "Dockerfile")
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("the Dockerfile has nothing like %s", pattern)
		}
		return m[1]
	}
	return image{find(`(?m)^USER (\d+:\d+)$`), find(`(?m)^ENTRYPOINT \["([^"]+)"\]$`), find(`(?m)^EXPOSE (\d+)$`),
		find(`(?m)^CMD \["run", "--config", "([^"]+)"\]$`)}
}

// directives are the settings of a unit by name, in order.
func directives(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for line := range strings.SplitSeq(ofTree(t, unitFile), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok && line[0] != '#' {
			all[name] = append(all[name], value)
		}
	}
	return all
}

func TestTheUnitStartsWhatTheProgramUnderstands(t *testing.T) {
	unit, img := directives(t), dockerfile(t)
	if len(unit["ExecStart"]) != 1 {
		t.Fatalf("ExecStart stands there %d times", len(unit["ExecStart"]))
	}
	words := strings.Fields(unit["ExecStart"][0])
	if words[0] != img.program {
		t.Errorf("the unit starts %s, the image %s: one page tells of both", words[0], img.program)
	}
	c := understood(t, words[1:])
	if !strings.Contains(fmt.Sprint(c.Run.Config), img.configuration) {
		t.Errorf("the unit reads %s, the image %s", c.Run.Config, img.configuration)
	}
	credential, source, _ := strings.Cut(unit["LoadCredential"][0], ":")
	if len(c.Run.EnvFile) != 1 || !strings.HasSuffix(c.Run.EnvFile[0], "%d/"+credential) {
		t.Errorf("the secrets are handed in as %%d/%s and read from %q", credential, c.Run.EnvFile)
	}
	if !strings.Contains(ofTree(t, unitFile), "install -D -m 600 keyholder.env "+source) {
		t.Errorf("the unit's first lines do not say how %s is put there, for root alone", source)
	}
	for name, want := range map[string]string{"DynamicUser": "yes", "NoNewPrivileges": "yes", "ProtectSystem": "strict",
		"CapabilityBoundingSet": "", "Restart": "on-failure", "PrivateUsers": "yes"} {
		if got := unit[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	if len(unit["Environment"])+len(unit["EnvironmentFile"]) > 0 {
		t.Error("the unit sets variables: what is set so can be read by everybody with systemctl show")
	}
}

// TestSystemdTakesTheUnit asks systemd itself, where it is at hand, whether it knows each setting, and how exposed
// the program is: it must stay below 2 of 10.
func TestSystemdTakesTheUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not in PATH: nobody but this test's reader looked at the unit")
	}
	here, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// verify wants the program to be there.
	text := strings.ReplaceAll(ofTree(t, unitFile), "ExecStart="+dockerfile(t).program, "ExecStart="+here)
	path := filepath.Join(t.TempDir(), "keyholder.service")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput()
	if err != nil || strings.Contains(string(out), path) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err = exec.Command(analyze, "security", "--offline=true", "--threshold=20", path).CombinedOutput()
	if strings.Contains(string(out), "unrecognized option") {
		t.Skip("this systemd-analyze is too old to judge a file: how exposed the unit is was not looked at")
	}
	if err != nil {
		t.Errorf("systemd-analyze security, threshold 2.0: %v\n%s", err, out)
	}
}

// The Kubernetes objects, as far as the file uses them: any other field is a slip of the pen, and fails.
type (
	meta struct {
		Name   string
		Labels map[string]string
	}
	object struct {
		APIVersion                   string `yaml:"apiVersion"`
		Kind                         string
		Metadata                     meta
		Data                         map[string]string
		AutomountServiceAccountToken *bool `yaml:"automountServiceAccountToken"`
		Spec                         spec
	}
	selector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}
	spec struct {
		Replicas int
		Selector yaml.MapSlice // of labels in a Service, with matchLabels elsewhere
		Strategy struct {
			Type          string
			RollingUpdate struct {
				MaxUnavailable int `yaml:"maxUnavailable"`
				MaxSurge       int `yaml:"maxSurge"`
			} `yaml:"rollingUpdate"`
		}
		Template struct {
			Metadata meta
			Spec     pod
		}
		MinAvailable               int    `yaml:"minAvailable"`
		UnhealthyPodEvictionPolicy string `yaml:"unhealthyPodEvictionPolicy"`
		ClusterIP                  string `yaml:"clusterIP"`
		PublishNotReadyAddresses   bool   `yaml:"publishNotReadyAddresses"`
		Ports                      []struct {
			Name       string
			TargetPort string `yaml:"targetPort"`
			Port       int
		}
		PodSelector selector `yaml:"podSelector"`
		PolicyTypes []string `yaml:"policyTypes"`
		Ingress     []struct {
			From  []peer
			Ports []policyPort
		}
		Egress []struct {
			To    []peer
			Ports []policyPort
		}
	}
	peer struct {
		NamespaceSelector *selector `yaml:"namespaceSelector"`
		PodSelector       *selector `yaml:"podSelector"`
		IPBlock           *struct {
			CIDR   string `yaml:"cidr"`
			Except []string
		} `yaml:"ipBlock"`
	}
	policyPort struct {
		Protocol string
		Port     int
	}
	pod struct {
		ServiceAccountName            string `yaml:"serviceAccountName"`
		AutomountServiceAccountToken  *bool  `yaml:"automountServiceAccountToken"`
		EnableServiceLinks            *bool  `yaml:"enableServiceLinks"`
		TerminationGracePeriodSeconds int    `yaml:"terminationGracePeriodSeconds"`
		SecurityContext               struct {
			RunAsNonRoot   bool                  `yaml:"runAsNonRoot"`
			RunAsUser      int                   `yaml:"runAsUser"`
			RunAsGroup     int                   `yaml:"runAsGroup"`
			SeccompProfile struct{ Type string } `yaml:"seccompProfile"`
		} `yaml:"securityContext"`
		TopologySpreadConstraints []struct {
			MaxSkew           int      `yaml:"maxSkew"`
			TopologyKey       string   `yaml:"topologyKey"`
			WhenUnsatisfiable string   `yaml:"whenUnsatisfiable"`
			LabelSelector     selector `yaml:"labelSelector"`
		} `yaml:"topologySpreadConstraints"`
		Containers []container
		Volumes    []struct {
			Name      string
			ConfigMap struct{ Name string } `yaml:"configMap"`
		}
	}
	container struct {
		Name, Image string
		Args        []string
		Ports       []struct {
			Name          string
			ContainerPort int `yaml:"containerPort"`
		}
		Env []struct {
			Name      string
			ValueFrom struct {
				SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
			} `yaml:"valueFrom"`
		}
		StartupProbe    probe `yaml:"startupProbe"`
		LivenessProbe   probe `yaml:"livenessProbe"`
		ReadinessProbe  probe `yaml:"readinessProbe"`
		Resources       struct{ Requests, Limits map[string]string }
		SecurityContext struct {
			AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
			ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
			Capabilities             struct{ Add, Drop []string }
		} `yaml:"securityContext"`
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}
	probe struct {
		HTTPGet          struct{ Path, Port string } `yaml:"httpGet"`
		PeriodSeconds    int                         `yaml:"periodSeconds"`
		TimeoutSeconds   int                         `yaml:"timeoutSeconds"`
		FailureThreshold int                         `yaml:"failureThreshold"`
	}
)

// cluster reads the manifest, by kind.
func cluster(t *testing.T) map[string]object {
	t.Helper()
	all := map[string]object{}
	for dec := yaml.NewDecoder(strings.NewReader(ofTree(t, clusterFile)), yaml.Strict()); ; {
		var o object
		if err := dec.Decode(&o); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", clusterFile, err)
		}
		if _, twice := all[o.Kind]; twice {
			t.Fatalf("%s holds two of the kind %s", clusterFile, o.Kind)
		}
		all[o.Kind] = o
	}
	for kind, version := range map[string]string{"ConfigMap": "v1", "ServiceAccount": "v1", "Deployment": "apps/v1",
		"PodDisruptionBudget": "policy/v1", "Service": "v1", "NetworkPolicy": "networking.k8s.io/v1"} {
		if all[kind].APIVersion != version {
			t.Fatalf("%s: the %s is of %q, not %s", clusterFile, kind, all[kind].APIVersion, version)
		}
	}
	return all
}

func TestThePodsStartWhatTheImageHolds(t *testing.T) {
	objects, img := cluster(t), dockerfile(t)
	p := objects["Deployment"].Spec.Template.Spec
	c := p.Containers[0]
	run := understood(t, c.Args)
	if !strings.Contains(fmt.Sprint(run.Run.Config), img.configuration) ||
		c.VolumeMounts[0].MountPath+"/keyholder.yaml" != img.configuration {
		t.Errorf("the pods read %s from %s, the image %s", run.Run.Config, c.VolumeMounts[0].MountPath,
			img.configuration)
	}
	if p.Volumes[0].ConfigMap.Name != objects["ConfigMap"].Metadata.Name ||
		p.Volumes[0].Name != c.VolumeMounts[0].Name {
		t.Error("the ConfigMap is not what is mounted")
	}
	s := p.SecurityContext
	if want := strings.Split(img.user, ":"); want[0] != strconv.Itoa(s.RunAsUser) ||
		want[1] != strconv.Itoa(s.RunAsGroup) {
		t.Errorf("the pods run as %d:%d, the image as %s", s.RunAsUser, s.RunAsGroup, img.user)
	}
	if strconv.Itoa(c.Ports[0].ContainerPort) != img.port ||
		strconv.Itoa(objects["Service"].Spec.Ports[0].Port) != img.port ||
		strconv.Itoa(objects["NetworkPolicy"].Spec.Ingress[0].Ports[0].Port) != img.port {
		t.Errorf("not all ports are %s", img.port)
	}
	for path, probes := range map[string][]probe{"/healthz": {c.StartupProbe, c.LivenessProbe},
		"/readyz": {c.ReadinessProbe}} {
		for _, p := range probes {
			if p.HTTPGet.Path != path || p.HTTPGet.Port != c.Ports[0].Name || p.FailureThreshold == 0 {
				t.Errorf("a probe asks %+v, not %s", p, path)
			}
		}
	}
	if p.TerminationGracePeriodSeconds < 15 {
		t.Error("a pod is killed before its deliveries in flight have ended")
	}
}

// TestThePodsMayDoNothing holds them to what Kubernetes calls the restricted profile, and a bit more.
func TestThePodsMayDoNothing(t *testing.T) {
	objects := cluster(t)
	p := objects["Deployment"].Spec.Template.Spec
	c := p.Containers[0]
	off := func(name string, b *bool) {
		if b == nil || *b {
			t.Errorf("%s is not false", name)
		}
	}
	off("automountServiceAccountToken of the pods", p.AutomountServiceAccountToken)
	off("automountServiceAccountToken of the account", objects["ServiceAccount"].AutomountServiceAccountToken)
	off("enableServiceLinks", p.EnableServiceLinks)
	off("allowPrivilegeEscalation", c.SecurityContext.AllowPrivilegeEscalation)
	if !p.SecurityContext.RunAsNonRoot || p.SecurityContext.SeccompProfile.Type != "RuntimeDefault" {
		t.Errorf("the pods' security context: %+v", p.SecurityContext)
	}
	s := c.SecurityContext
	if !s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) || s.Capabilities.Add != nil {
		t.Errorf("the container's security context: %+v", s)
	}
	if len(p.Containers) != 1 || !c.VolumeMounts[0].ReadOnly || c.Resources.Limits["memory"] == "" {
		t.Error("one container, one mount to read, and a limit of memory are what is needed")
	}
}

func TestTwoPodsStayWhileOthersComeAndGo(t *testing.T) {
	objects := cluster(t)
	d := objects["Deployment"].Spec
	if d.Replicas != 2 || d.Strategy.RollingUpdate.MaxUnavailable != 0 ||
		objects["PodDisruptionBudget"].Spec.MinAvailable != 1 {
		t.Errorf("replicas %d, %+v, at least %d", d.Replicas, d.Strategy,
			objects["PodDisruptionBudget"].Spec.MinAvailable)
	}
	const name, label = "app.kubernetes.io/name", "keyholder"
	if d.Template.Metadata.Labels[name] != label ||
		objects["NetworkPolicy"].Spec.PodSelector.MatchLabels[name] != label {
		t.Error("the labels of pods and network policy are not the same")
	}
	for kind, want := range map[string]string{"Deployment": "matchLabels:\n  " + name + ": keyholder\n",
		"PodDisruptionBudget": "matchLabels:\n  " + name + ": keyholder\n", "Service": name + ": keyholder\n"} {
		if got := yamlText(objects[kind].Spec.Selector); got != strings.TrimSpace(want) {
			t.Errorf("the %s selects\n%s", kind, got)
		}
	}
}

// yamlText is a value as YAML writes it.
func yamlText(v any) string {
	text, err := yaml.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

func TestNobodyReachesThePodsButPrometheus(t *testing.T) {
	policy := cluster(t)["NetworkPolicy"].Spec
	if !slices.Equal(policy.PolicyTypes, []string{"Ingress", "Egress"}) {
		t.Fatalf("the policy speaks of %q", policy.PolicyTypes)
	}
	if len(policy.Ingress) != 1 || policy.Ingress[0].From[0].NamespaceSelector == nil {
		t.Errorf("who may come in: %+v", policy.Ingress)
	}
	var out []int
	for _, rule := range policy.Egress {
		if len(rule.To) == 0 || len(rule.Ports) == 0 {
			t.Error("a rule without an end or without a port allows everything")
		}
		for _, port := range rule.Ports {
			out = append(out, port.Port)
		}
	}
	if !slices.Equal(out, []int{53, 53, 443, 6379}) {
		t.Errorf("the pods reach the ports %v", out)
	}
}

// TestTheConfigMapIsAConfiguration has the program judge what the manifest holds, with the variables that the
// Deployment takes out of the Secret and no other; each is one that the README or the configuration names.
func TestTheConfigMapIsAConfiguration(t *testing.T) {
	objects, readme := cluster(t), ofTree(t, "README.md")
	vars := map[string]string{}
	for _, e := range objects["Deployment"].Spec.Template.Spec.Containers[0].Env {
		if ref := e.ValueFrom.SecretKeyRef; ref.Name != "keyholder" || ref.Key != e.Name {
			t.Errorf("%s comes from %+v, not from the Secret keyholder under its own name", e.Name, ref)
		}
		vars[e.Name] = invented(e.Name)
	}
	asked := map[string]bool{}
	cfg, faults := config.Parse([]byte(objects["ConfigMap"].Data["keyholder.yaml"]), "keyholder.yaml",
		func(name string) (string, bool) { asked[name] = true; value, ok := vars[name]; return value, ok })
	for _, f := range faults {
		t.Error(f.String())
	}
	for name := range vars {
		if !asked[name] {
			t.Errorf("the program does not look at %s", name)
		}
		if named := "`" + name + "`"; !strings.Contains(readme, named) && name != cfg.Accounts[0].TokenEnv {
			t.Errorf("README.md does not name %s", name)
		}
	}
	if want := "0.0.0.0:" + dockerfile(t).port; cfg.Listen != want {
		t.Errorf("it listens on %s; the probes need %s", cfg.Listen, want)
	}
}

// invented is a value that a variable of that name may have.
func invented(name string) string {
	switch name {
	case config.EnvSlackAppToken:
		return "xapp-1-invented"
	case config.EnvSlackBotToken:
		return "xoxb-invented"
	case config.EnvRedisURL:
		return "rediss://keyholder:invented@redis.example:6379/0"
	case config.EnvSealKey:
		key := sha256.Sum256([]byte("invented"))
		return base64.StdEncoding.EncodeToString(key[:])
	}
	return "invented"
}

// The release workflow, as far as it is looked at.
type (
	workflow struct {
		On          struct{ Push struct{ Tags []string } }
		Permissions map[string]string
		Jobs        map[string]job
	}
	job struct {
		Needs       string
		Permissions map[string]string
		Timeout     int `yaml:"timeout-minutes"`
		Strategy    struct{ Matrix map[string][]string }
		Env         map[string]string
		Steps       []workflowStep
	}
	workflowStep struct {
		Uses, Run string
		With      map[string]string
	}
)

func TestAReleaseIsBuiltForEverySystemAndMayNoMoreThanItNeeds(t *testing.T) {
	text := ofTree(t, releaseFile)
	var w workflow
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.On.Push.Tags, []string{"v*"}) || w.Permissions == nil || len(w.Permissions) > 0 {
		t.Errorf("released at %q; every job may at least %v", w.On.Push.Tags, w.Permissions)
	}
	matrix := w.Jobs["build"].Strategy.Matrix
	if len(matrix) != 2 || !slices.Equal(matrix["goos"], []string{"linux", "darwin"}) ||
		!slices.Equal(matrix["goarch"], []string{"amd64", "arm64"}) {
		t.Errorf("built for %v", matrix)
	}
	for name, want := range map[string]string{
		"test":    "contents: read",
		"build":   "attestations: write\ncontents: read\nid-token: write",
		"publish": "contents: write",
	} {
		if got := yamlText(w.Jobs[name].Permissions); got != want {
			t.Errorf("the job %s may\n%s\nand needs\n%s", name, got, want)
		}
	}
	pinned := regexp.MustCompile(`(?m)^ +- uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	if got, want := len(pinned.FindAllString(text, -1)), strings.Count(text, "uses:"); got != want {
		t.Errorf("%d of %d actions are GitHub's own and pinned by their commit, with the version beside it", got, want)
	}
	for name, j := range w.Jobs {
		if j.Timeout == 0 || len(w.Jobs) != 3 {
			t.Errorf("%d jobs; %s ends after %d minutes", len(w.Jobs), name, j.Timeout)
		}
		for _, s := range j.Steps {
			if strings.Contains(s.Run, "${{") {
				t.Errorf("%s: a tag's name becomes part of a shell's program. Pass it in by env:\n%s", name, s.Run)
			}
			if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != "false" {
				t.Errorf("%s: checkout leaves its token in the folder", name)
			}
			if name == "publish" && (strings.Contains(s.Uses, "checkout") || strings.Contains(s.Run, "make ")) {
				t.Error("the job that may write runs what is in the repository")
			}
		}
	}
	for _, needed := range []string{"attest-build-provenance@", "attest-sbom@", "sha256sum keyholder-* > SHA256SUMS",
		"cyclonedx-gomod@v", "run: make dist\n"} {
		if !strings.Contains(text, needed) {
			t.Errorf("%s no longer holds %q", releaseFile, needed)
		}
	}
	if makefile := ofTree(t, "Makefile"); !strings.Contains(makefile,
		"CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false") {
		t.Error("make dist builds otherwise than static and the same everywhere")
	}
}
