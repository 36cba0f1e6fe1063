{
  # Release builds; paths begin at the root. CMakeLists.txt is for tools: compile_commands.json and cross builds.
  "variables": { "sock_sanitize%": "", "sock_coverage%": "0" },
  "targets": [
    {
      "target_name": "bsd_sockets",
      "sources": [
        "<!@(node -p \"require('./native/sources.json').common.join(' ')\")",
        "<!@(node -p \"(require('./native/sources.json')[process.platform] || []).join(' ')\")"
      ],
      "include_dirs": [
        "<!(node -p \"require('node-addon-api').include_dir\")",
        "<!(node native/constants/lists.mjs build/constants)"
      ],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",  # a worker that is terminated inside of a call
        "_FILE_OFFSET_BITS=64"
      ],
      "cflags": ["-fvisibility=hidden", "-Wall", "-Wextra", "-Wpedantic"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-Wno-unused-parameter"],
      "xcode_settings": {
        "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
        "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
        "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
        "GCC_ENABLE_CPP_RTTI": "NO",
        "MACOSX_DEPLOYMENT_TARGET": "11.0",
        "WARNING_CFLAGS": ["-Wall", "-Wextra", "-Wpedantic"]
      },
      "conditions": [
        # -z nodelete: threads that a foreign file holds up outlive the environment that loaded the addon. -fno-plt: each
        # function of Node-API is called directly, not through a stub, so all of them must be there when the addon is loaded.
        ["OS=='linux'", { "ldflags": ["-Wl,-z,nodelete"], "cflags": ["-fno-plt"] }],
        ["sock_sanitize!=''", {
          "cflags": ["-fsanitize=<(sock_sanitize)", "-fno-omit-frame-pointer", "-g", "-O1"],
          "cflags!": ["-O3"],
          "ldflags": ["-fsanitize=<(sock_sanitize)"]
        }],
        ["sock_coverage==1", {
          "cflags": ["--coverage", "-O0"],
          "cflags!": ["-O3"],
          "ldflags": ["--coverage"]
        }]
      ]
    }
  ]
}
