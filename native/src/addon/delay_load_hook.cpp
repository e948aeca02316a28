// On Windows the addon imports Node's functions from a module named node.exe. Inside the single executable that module has
// another name: the loader is told to take the program that runs, whatever it is called.
#ifdef _MSC_VER
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <delayimp.h>

#include <cstring>

namespace {

FARPROC WINAPI takeThisProgram(unsigned int event, PDelayLoadInfo info) {
  if (event != dliNotePreLoadLibrary || _stricmp(info->szDll, "node.exe") != 0) return nullptr;
  return reinterpret_cast<FARPROC>(GetModuleHandleW(nullptr));
}

}  // namespace

// Newer headers declare it const.
decltype(__pfnDliNotifyHook2) __pfnDliNotifyHook2 = takeThisProgram;
#endif
