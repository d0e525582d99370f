package config

import (
	"fmt"
	"hash/fnv"
	"math"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// maxValues bounds the work that aliases can cause: a short file can name the same long list a million times.
const maxValues = 200_000

// mark is where a key of the file stands, and whether its value could be read. An unread value has its fault
// already, so the rules are not asked about it.
type mark struct {
	line, column int
	unread       bool
	null         bool // the key stands there with nothing after the colon: the default stays
}

// marks are the places of everything the file gives, by path ("accounts[0].transfer.quorum").
type marks map[string]mark

// at is the place of a path; of the nearest group around it if the file does not give it.
func (m marks) at(path string) mark {
	for p := path; p != ""; p = parent(p) {
		if found, ok := m[p]; ok {
			return mark{line: found.line, column: found.column}
		}
	}
	return mark{line: 1, column: 1}
}

// given says whether the file gives the path a value, readable or not.
func (m marks) given(path string) bool {
	found, ok := m[path]
	return ok && !found.null
}

// unread says whether the path, or a group around it, could not be read.
func (m marks) unread(path string) bool {
	if m[""].unread {
		return true // the file as a whole
	}
	for p := path; p != ""; p = parent(p) {
		if m[p].unread {
			return true
		}
	}
	return false
}

func parent(path string) string {
	cut := strings.LastIndexAny(path, ".[")
	if cut < 0 {
		return ""
	}
	return path[:cut]
}

// binder puts the nodes of a file into the configuration and goes on after each fault.
type binder struct {
	faults  []Fault
	marks   marks
	targets map[*ast.AliasNode]ast.Node
	budget  int
}

func (b *binder) bindDocument(root ast.Node, cfg *Config) {
	b.targets = aliasTargets(root)
	b.bind("", root, reflect.ValueOf(cfg).Elem())
}

func (b *binder) fault(path string, node ast.Node, value, problem, cure string) {
	line, column := position(node)
	b.faults = append(b.faults, Fault{Line: line, Column: column, Field: path, Value: value, Problem: problem,
		Cure: cure})
}

// unread is a fault of a value that cannot be read at all.
func (b *binder) unread(path string, node ast.Node, value, problem, cure string) {
	line, column := position(node)
	b.marks[path] = mark{line: line, column: column, unread: true}
	b.fault(path, node, value, problem, cure)
}

var (
	durationType  = reflect.TypeFor[Duration]()
	spanType      = reflect.TypeFor[Span]()
	approversType = reflect.TypeFor[Approvers]()
)

// bind puts one node into one value.
func (b *binder) bind(path string, raw ast.Node, v reflect.Value) {
	if b.budget--; b.budget < 0 {
		if b.budget == -1 {
			b.fault(path, raw, "", "The file's aliases (*name) repeat too much", "Write the values where they belong.")
		}
		return
	}
	node, ok := b.resolve(raw)
	if !ok {
		b.unread(path, raw, show(text(raw)), "names an anchor that is not defined above it, or itself",
			"Define it with & first, or write the value here.")
		return
	}
	if path != "" {
		line, column := position(raw)
		b.marks[path] = mark{line: line, column: column}
	}
	if node == nil || node.Type() == ast.NullType {
		return // nothing after the colon: the default stays
	}
	b.bindKind(path, node, v)
}

// bindValue puts a node that was resolved already into what out points to.
func (b *binder) bindValue(path string, node ast.Node, out any) {
	b.bindKind(path, node, reflect.ValueOf(out).Elem())
}

func (b *binder) bindKind(path string, node ast.Node, v reflect.Value) {
	switch {
	case v.Type() == approversType:
		b.bindApprovers(path, node, v.Addr().Interface().(*Approvers))
	case v.Type() == durationType || v.Type() == spanType:
		b.bindLength(path, node, v)
	case v.Kind() == reflect.Struct:
		b.bindStruct(path, node, v)
	case v.Kind() == reflect.Slice:
		b.bindList(path, node, v)
	case v.Kind() == reflect.Map:
		b.bindMap(path, node, v)
	default:
		b.bindScalar(path, node, v)
	}
}

func (b *binder) bindStruct(path string, node ast.Node, v reflect.Value) {
	if !isMapping(node) {
		b.unread(path, node, show(text(node)), "is "+kind(node)+" where a group of keys belongs",
			"Write keys, such as: "+strings.Join(firstKeys(v.Type()), ", ")+".")
		return
	}
	fields := fieldsOf(v.Type())
	for _, entry := range b.entries(path, node, 0) {
		index, known := fields[entry.name]
		full := join(path, entry.name)
		if !known {
			b.fault(join(path, shownKey(entry.name)), entry.key, "", "This key is not known",
				nearest(entry.name, v.Type()))
			continue
		}
		b.bind(full, entry.value, v.Field(index))
		if entry.value == nil || entry.value.Type() == ast.NullType {
			line, column := position(entry.key)
			b.marks[full] = mark{line: line, column: column, null: true}
		}
	}
}

func (b *binder) bindList(path string, node ast.Node, v reflect.Value) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		cure := "Write a list, each entry on its own line behind a dash."
		if !isMapping(node) {
			cure = "Write a list: [" + strings.Trim(show(text(node)), `"`) + "]."
		}
		b.unread(path, node, show(text(node)), "is "+kind(node)+" where a list belongs", cure)
		return
	}
	out := reflect.MakeSlice(v.Type(), 0, len(list.Values))
	for i, entry := range list.Values {
		if b.budget <= 0 {
			break
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if account, ok := item.Addr().Interface().(*Account); ok {
			*account = DefaultAccount()
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		if n, ok := b.resolve(entry); ok && (n == nil || n.Type() == ast.NullType) {
			b.unread(at, entry, "", "This entry of the list is empty", "Fill it in or remove the dash.")
		} else {
			b.bind(at, entry, item)
		}
		out = reflect.Append(out, item)
	}
	v.Set(out)
}

// bindMap binds a group whose keys the file chooses. A key without a value stays there with
// nothing, for the rules to judge.
func (b *binder) bindMap(path string, node ast.Node, v reflect.Value) {
	if !isMapping(node) {
		b.unread(path, node, show(text(node)), "is "+kind(node)+" where a group of keys belongs",
			"Write a name, a colon and a list of people on each line.")
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, entry := range b.entries(path, node, 0) {
		if b.budget <= 0 {
			break
		}
		item := reflect.New(v.Type().Elem()).Elem()
		at := keyed(path, entry.name)
		line, column := position(entry.key)
		b.bind(at, entry.value, item)
		if !b.marks[at].unread {
			b.marks[at] = mark{line: line, column: column}
		}
		out.SetMapIndex(reflect.ValueOf(entry.name), item)
	}
	v.Set(out)
}

// apiID is what integrator.io's IDs look like, which are no secrets though they look like some.
var apiID = regexp.MustCompile(`^[0-9a-f]{24}$`)

// keyed is the path of a key that the file chose. The signs that paths are made of are replaced; a
// key that is not shown, or not whole, gets a number, so that two of them have two paths.
func keyed(path, name string) string {
	shown := name
	if !apiID.MatchString(name) {
		shown = shownKey(name)
	}
	if len([]rune(name)) > longestValue || secretLike.MatchString(name) && !apiID.MatchString(name) {
		h := fnv.New32a()
		h.Write([]byte(name))
		shown += fmt.Sprintf(" #%x", h.Sum32())
	}
	return path + "[" + strings.NewReplacer("[", "(", "]", ")", ".", "·").Replace(shown) + "]"
}

func (b *binder) bindScalar(path string, node ast.Node, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if s, ok := plainText(node); ok {
			v.SetString(s)
			return
		}
		b.unread(path, node, show(text(node)), "is "+kind(node)+" where text belongs",
			"Write it as text, in quotes if needed.")
	case reflect.Bool:
		if n, ok := node.(*ast.BoolNode); ok {
			v.SetBool(n.Value)
			return
		}
		b.unread(path, node, show(text(node)), "is "+kind(node)+" where true or false belongs",
			"Write true or false; yes, no, on and off are text in YAML 1.2.")
	case reflect.Int:
		if n, ok := wholeNumber(node); ok {
			v.SetInt(n)
			return
		}
		b.unread(path, node, show(text(node)), "is "+kind(node)+" where a whole number belongs",
			"Write digits without quotes, such as 2.")
	}
}

func (b *binder) bindLength(path string, node ast.Node, v reflect.Value) {
	s, ok := plainText(node)
	if !ok {
		b.unread(path, node, show(text(node)), "is "+kind(node)+" where a length of time belongs",
			"Write for example 90m, 72h or 3d.")
		return
	}
	span, err := ParseSpan(s)
	if err == nil && v.Type() == durationType && span.IsAlways() {
		err = errNotDuration
	}
	if err != nil {
		b.unread(path, node, show(s), err.Error(), lengthCure(s))
		return
	}
	if v.Type() == durationType {
		v.SetInt(int64(span.Length))
		return
	}
	v.Set(reflect.ValueOf(span))
}

// entry is one key of a group.
type entry struct {
	name  string
	key   ast.Node
	value ast.Node
}

// entries lists the keys of a group, each once: its own, then those of merged groups (<<) that it does not give
// itself. Keys written twice are faults; the first counts.
func (b *binder) entries(path string, node ast.Node, depth int) []entry {
	var own []entry
	var merged []ast.Node
	seen := map[string]int{}
	for _, pair := range pairs(node) {
		if pair.Key == nil {
			continue
		}
		if pair.Key.Type() == ast.MergeKeyType {
			merged = append(merged, pair.Value)
			continue
		}
		name, ok := keyName(pair.Key)
		if !ok {
			b.fault(path, pair.Key, "", "A key here is not a plain word", "Write a word and a colon.")
			continue
		}
		line, _ := position(pair.Key)
		if first, twice := seen[name]; twice {
			b.fault(join(path, shownKey(name)), pair.Key, "", "This key is given twice",
				fmt.Sprintf("Line %d has it already: keep one of the two.", first))
			continue
		}
		seen[name] = line
		own = append(own, entry{name: name, key: pair.Key, value: pair.Value})
	}
	for _, source := range merged {
		own = append(own, b.mergedEntries(path, source, seen, depth)...)
	}
	return own
}

func (b *binder) mergedEntries(path string, source ast.Node, seen map[string]int, depth int) []entry {
	node, ok := b.resolve(source)
	if !ok || depth > deepest || b.budget <= 0 {
		b.fault(path, source, "", "What is merged here (<<) is not defined above it, or contains itself",
			"Define it with & first, or write the keys here.")
		return nil
	}
	var groups []ast.Node
	switch n := node.(type) {
	case *ast.SequenceNode:
		groups = n.Values
	default:
		groups = []ast.Node{n}
	}
	var out []entry
	for _, group := range groups {
		inner, ok := b.resolve(group)
		if !ok || !isMapping(inner) {
			b.fault(path, source, "", "What is merged here (<<) is not a group of keys",
				"Merge a group that was named with &.")
			continue
		}
		b.budget--
		for _, e := range b.entries(path, inner, depth+1) {
			if _, have := seen[e.name]; !have {
				line, _ := position(e.key)
				seen[e.name] = line
				out = append(out, e)
			}
		}
	}
	return out
}

// resolve looks through anchors, aliases and tags. It is false for an alias to nothing or to itself.
func (b *binder) resolve(node ast.Node) (ast.Node, bool) {
	for range deepest {
		switch n := node.(type) {
		case nil:
			return nil, true
		case *ast.AnchorNode:
			node = n.Value
		case *ast.TagNode:
			node = n.Value
		case *ast.AliasNode:
			target, ok := b.targets[n]
			if !ok {
				return nil, false
			}
			node = target
		default:
			return node, true
		}
	}
	return nil, false
}

// aliasTargets finds what each alias means: the last anchor of that name above it.
func aliasTargets(root ast.Node) map[*ast.AliasNode]ast.Node {
	w := &aliasWalk{anchors: map[string]ast.Node{}, targets: map[*ast.AliasNode]ast.Node{}}
	ast.Walk(w, root)
	return w.targets
}

type aliasWalk struct {
	anchors map[string]ast.Node
	targets map[*ast.AliasNode]ast.Node
}

// Visit implements ast.Visitor.
func (w *aliasWalk) Visit(node ast.Node) ast.Visitor {
	switch n := node.(type) {
	case *ast.AnchorNode:
		if n.Name != nil {
			w.anchors[text(n.Name)] = n.Value
		}
	case *ast.AliasNode:
		if n.Value == nil {
			return nil
		}
		if target, ok := w.anchors[text(n.Value)]; ok {
			w.targets[n] = target
		}
		return nil
	}
	return w
}

func pairs(node ast.Node) []*ast.MappingValueNode {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func isMapping(node ast.Node) bool {
	if node == nil {
		return false
	}
	return node.Type() == ast.MappingType || node.Type() == ast.MappingValueType
}

func keyName(key ast.Node) (string, bool) {
	switch n := key.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return text(n), true
	case *ast.AnchorNode:
		return keyName(n.Value)
	}
	return "", false
}

// text is a scalar as written; of anything else its first token.
func text(node ast.Node) string {
	switch n := node.(type) {
	case nil:
		return ""
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		return "this"
	case *ast.AliasNode:
		if n.Value != nil {
			return "*" + text(n.Value)
		}
	}
	if tk := node.GetToken(); tk != nil {
		return strings.TrimSpace(tk.Value)
	}
	return ""
}

// plainText reads text and, as written, numbers: an account may be called 2024.
func plainText(node ast.Node) (string, bool) {
	switch node.(type) {
	case *ast.StringNode, *ast.LiteralNode, *ast.IntegerNode, *ast.FloatNode:
		return text(node), true
	}
	return joined(node)
}

// joined puts host:port together again. The parser takes it apart inside of {...[host:port]}, though YAML 1.2
// (section 7.3.3) ends a key only at a colon that a blank follows.
func joined(node ast.Node) (string, bool) {
	all := pairs(node)
	if len(all) != 1 || all[0].Key == nil || all[0].Value == nil {
		return "", false
	}
	key, value := all[0].Key.GetToken(), all[0].Value.GetToken()
	if key == nil || value == nil || key.Position == nil || value.Position == nil || key.Type != token.StringType {
		return "", false
	}
	if _, ok := plainText(all[0].Value); !ok || key.Position.Line != value.Position.Line ||
		value.Position.Column != key.Position.Column+utf8.RuneCountInString(key.Value)+1 {
		return "", false
	}
	return text(all[0].Key) + ":" + text(all[0].Value), true
}

func wholeNumber(node ast.Node) (int64, bool) {
	n, ok := node.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	switch value := n.Value.(type) {
	case int64:
		return value, value >= math.MinInt32 && value <= math.MaxInt32
	case uint64:
		return int64(min(value, math.MaxInt32)), value <= math.MaxInt32
	}
	return 0, false
}

var digits = regexp.MustCompile(`^[0-9]{10,}$`)

func kind(node ast.Node) string {
	switch n := node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a group of keys"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode:
		if _, ok := wholeNumber(n); !ok {
			return "a number too large"
		}
		return "a number"
	case *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number with a fraction"
	case *ast.StringNode, *ast.LiteralNode:
		if digits.MatchString(text(n)) && node.GetToken().Type == token.StringType {
			return "a number too large"
		}
		return "text"
	}
	return "something"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// fieldsOf maps the yaml keys of a struct to its fields.
func fieldsOf(t reflect.Type) map[string]int {
	out := map[string]int{}
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
			out[tag] = i
		}
	}
	return out
}

func firstKeys(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("yaml"); tag != "" && tag != "-" {
			out = append(out, tag)
		}
	}
	return out[:min(len(out), 3)]
}

func sortedKeys(t reflect.Type) []string {
	var out []string
	for name := range fieldsOf(t) {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}
