// Prints all that labels of the docker provider may say, read from the types of one version of Traefik:
// go run in a module that requires that version (for v2, change the import), with the replaces of its own go.mod.
// The section http.models is left out by hand: it is of no provider.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"

	"github.com/traefik/traefik/v3/pkg/config/dynamic"
)

func main() {
	node := kind(reflect.TypeOf(dynamic.Configuration{}), nil)
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", " ")
	_ = enc.Encode(node)
}

func kind(t reflect.Type, seen []reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() != "" && t.Kind() != reflect.Struct {
		if t.Name() == "Duration" {
			return "duration"
		}
	}
	if t.Name() == "FileOrContent" {
		return "text"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "text"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint64, reflect.Uint32:
		if t.Name() != "" && t.PkgPath() != "" && strings.Contains(t.Name(), "Duration") {
			return "duration"
		}
		return "number"
	case reflect.Float64, reflect.Float32:
		return "decimal"
	case reflect.Interface:
		return "any"
	case reflect.Slice, reflect.Array:
		e := kind(t.Elem(), seen)
		if e == "text" || e == "number" {
			return e.(string) + "s"
		}
		return []any{e}
	case reflect.Map:
		if t.Name() == "PluginConf" {
			return "any"
		}
		return map[string]any{"*": kind(t.Elem(), seen)}
	case reflect.Struct:
		for _, s := range seen {
			if s == t {
				return "any"
			}
		}
		out := map[string]any{}
		fields(t, append(seen, t), out)
		return out
	}
	return "?" + t.String()
}

func fields(t reflect.Type, seen []reflect.Type, out map[string]any) {
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		label := f.Tag.Get("label")
		yaml := strings.Split(f.Tag.Get("yaml"), ",")[0]
		if f.Anonymous {
			fields(f.Type, seen, out)
			continue
		}
		if label == "-" {
			continue
		}
		if yaml == "-" && f.Tag.Get("label-slice-as-struct") == "" && f.Name != "Port" && f.Name != "Scheme" {
			continue
		}
		name := yaml
		if name == "" || name == "-" {
			name = strings.ToLower(f.Name[:1]) + f.Name[1:]
		}
		k := kind(f.Type, seen)
		if s := f.Tag.Get("label-slice-as-struct"); s != "" {
			name = s
			if l, ok := k.([]any); ok {
				k = l[0]
			}
		}
		if label == "allowEmpty" {
			if m, ok := k.(map[string]any); ok {
				m["?"] = true
			}
		}
		out[name] = k
	}
}
