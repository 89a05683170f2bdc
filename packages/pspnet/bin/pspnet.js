#!/usr/bin/env node
// The linked command must exist before the TypeScript is compiled.
import "../dist/cli/main.js";
