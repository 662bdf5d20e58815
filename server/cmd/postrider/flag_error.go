package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postrider-dev/postrider/server/gateway"
)

// flagError says in plain words what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var lacking *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		err = unknownFlag(cmd, unknown)
	case errors.As(err, &lacking):
		err = fmt.Errorf("--%s needs a value", lacking.GetFlag().Name)
	case errors.As(err, &invalid):
		err = fmt.Errorf("--%s: %q is not %s", invalid.GetFlag().Name, invalid.GetValue(), wanted(invalid))
	}
	return usageError{cmd, err}
}

func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	if unknown.GetSpecifiedShortnames() != "" {
		return fmt.Errorf("there is no flag -%s; flags begin with two hyphens", unknown.GetSpecifiedShortnames())
	}
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	if near := gateway.Nearest(unknown.GetSpecifiedName(), names); near != "" {
		return fmt.Errorf("there is no flag --%s; did you mean --%s?", unknown.GetSpecifiedName(), near)
	}
	return fmt.Errorf("there is no flag --%s", unknown.GetSpecifiedName())
}

// wanted says what values a flag takes that was given another one.
func wanted(invalid *pflag.InvalidValueError) string {
	value := invalid.GetFlag().Value
	if shown, ok := value.(namedValue); ok {
		value = shown.Value
	}
	switch value.Type() {
	case "bool":
		return "true or false"
	case "int", "int32":
		if errors.Is(invalid, strconv.ErrRange) {
			return "in the range of this number"
		}
		return "a whole number"
	case "duration":
		return "a time such as 500ms, 5s, 5m or 1h"
	case "durationSlice":
		return "a list of times such as 5s,5m,1h"
	default:
		return "a list such as a,b,c"
	}
}
