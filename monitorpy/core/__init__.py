"""The framework: result, plugin base, registry, expectations, execution, runner."""
