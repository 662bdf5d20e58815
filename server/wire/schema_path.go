package wire

import (
	"strconv"
	"strings"
)

// schemasPath is the path under which JSON Schemas are served, and schemaEnding the end of their paths.
const (
	schemasPath  = "/v1/schemas/"
	schemaEnding = ".json"
)

// SchemaPathPattern is the pattern of these paths for http.ServeMux.
const SchemaPathPattern = schemasPath + "{type}/{file}"

// SchemaPath returns the path of a version's JSON Schema on this server: /v1/schemas/{type}/{version}.json.
func SchemaPath(eventType string, version int) string {
	return schemasPath + eventType + "/" + strconv.Itoa(version) + schemaEnding
}

// ParseSchemaPath parses such a path.
func ParseSchemaPath(path string) (eventType string, version int, ok bool) {
	rest, ok := strings.CutPrefix(path, schemasPath)
	if !ok {
		return "", 0, false
	}
	eventType, file, _ := strings.Cut(rest, "/")
	number, ok := strings.CutSuffix(file, schemaEnding)
	if !ok {
		return "", 0, false
	}
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n < 1 || SchemaPath(eventType, int(n)) != path {
		return "", 0, false
	}
	return eventType, int(n), true
}
